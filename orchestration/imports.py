"""What a command imports takes seconds: garbage looked for seldom meanwhile, and what nothing calls left unread."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import sys
import threading
from typing import Any


def collect_seldom() -> None:
    """Look for garbage after 100,000 objects more, not 700: imports make millions that stay, and a night some."""
    gc.set_threshold(100_000, 50, 100)


def put_off(name: str) -> None:
    """Read a module when something of it is used, not when it is imported.

    importlib's own lazy loader reads it as soon as anybody looks at any attribute, and `inspect` looks at the file of
    every module there is.
    """
    package, _, last = name.rpartition(".")
    parent = importlib.import_module(package) if package else None
    spec = importlib.util.find_spec(name)
    if name in sys.modules or spec is None or spec.loader is None:
        return
    loader, module, alone = spec.loader, importlib.util.module_from_spec(spec), threading.RLock()
    is_begun = False

    def read(attribute: str) -> Any:
        nonlocal is_begun
        with alone:  # others wait until it is whole
            if not is_begun:
                is_begun = True
                module.__path__ = spec.submodule_search_locations or []
                loader.exec_module(module)
                if vars(module).get("__getattr__") is read:
                    del module.__getattr__
            elif vars(module).get("__getattr__") is read:
                raise AttributeError(f"module {name!r} has no attribute {attribute!r} yet")
        return getattr(module, attribute)

    del module.__path__  # who imports a module below it has it read
    module.__getattr__ = read  # type: ignore[method-assign]
    sys.modules[name] = module
    if parent:
        setattr(parent, last, module)
