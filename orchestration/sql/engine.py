"""DuckDB connections of the project: quiet, spilling inside the home, within the memory and threads allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import Settings

# Nothing is fetched or loaded behind our back: what we need is built in.
CLOSED: dict[str, Any] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


def limits(settings: Settings) -> dict[str, str]:
    """The threads and the memory that the settings allow an engine, where they say so."""
    given = {"threads": settings.threads, "memory_limit": settings.memory_limit}
    return {name: str(value) for name, value in given.items() if value}


def connect(
    settings: Settings, spill: Path, database: Path | None = None, *, read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    """A connection to a database file, or to memory; what does not fit in memory is spilled below `spill`."""
    given = CLOSED | limits(settings)
    con = duckdb.connect(str(database) if database else ":memory:", read_only=read_only, config=given)
    con.execute("set enable_progress_bar = false")
    con.execute("set temp_directory = ?", [str(spill)])
    return con
