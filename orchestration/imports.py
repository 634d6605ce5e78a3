"""What a command imports takes seconds: garbage looked for seldom meanwhile, and what nothing calls left unread."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import sys


def collect_seldom() -> None:
    """Look for garbage after 100,000 objects more, not 700: imports make millions that stay, and a night some."""
    gc.set_threshold(100_000, 50, 100)


def put_off(package: str, name: str) -> None:
    """Read a module of a package when something in it is used, not when it is imported."""
    parent, full = importlib.import_module(package), f"{package}.{name}"
    spec = importlib.util.find_spec(full)
    if full in sys.modules or spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[full] = module
    spec.loader.exec_module(module)
    setattr(parent, name, module)
