"""SQL as text: what a name, a value or a path is in it. `engine` has the connections."""

from __future__ import annotations

import re
from pathlib import Path


def quoted(name: str) -> str:
    """A name as an identifier, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a string constant."""
    return "'" + text.replace("'", "''") + "'"


def exactly(path: Path) -> str:
    """A path as DuckDB's readers take it: they would match `*`, `?` and `[` in a name against other files."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
