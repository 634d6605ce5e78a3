"""SQL as text: what a name, a value or a path is in it. `engine` has the connections."""

from __future__ import annotations

import re
from collections.abc import Mapping
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


def to_parquet(query: str, path: Path, metadata: Mapping[str, str] | None = None) -> str:
    """The statement that writes what a query gives to a Parquet file.

    zstd at its first level is as fast as no compression, at half the size.
    """
    pairs = ", ".join(f"{quoted(key)}: {literal(value)}" for key, value in (metadata or {}).items())
    kept = f", kv_metadata {{{pairs}}}" if pairs else ""
    return f"copy ({query}) to {literal(str(path))} (format parquet, compression zstd, compression_level 1{kept})"
