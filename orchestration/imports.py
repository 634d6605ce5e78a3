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
    held, is_begun = vars(module), False
    path = held.pop("__path__", None)  # who imports a module below a package has the package read

    def read(attribute: str) -> Any:
        nonlocal is_begun
        with alone:  # others wait until it is whole
            if not is_begun:
                is_begun = True
                if path is not None:
                    held["__path__"] = path
                loader.exec_module(module)
                if held.get("__getattr__") is read:
                    del held["__getattr__"]
            elif held.get("__getattr__") is read:
                raise AttributeError(f"module {name!r} has no attribute {attribute!r} yet")
        return getattr(module, attribute)

    held["__getattr__"] = read
    sys.modules[name] = module
    if parent:
        setattr(parent, last, module)
