"""What decoding any format gives: sheets with a head to find the header in, then one grid of cells in DuckDB.

JSON records become a grid once their keys are known.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.settings import Bounds

HEAD_ROWS = 200
_NAME_LENGTH = 4_000
EXTENSIONS = ("csv.gz", "csv", "xlsx", "xls", "jsonl", "json")


class RejectedFile(Exception):
    """A landed file that cannot be read as a whole: a reason code and one line for the person who landed it."""

    def __init__(self, reason_code: str, detail: str):
        super().__init__(detail)
        self.reason_code = reason_code
        self.detail = detail


def too_large(what: str, remedy: str) -> RejectedFile:
    """The rejection of a file beyond its bounds (docs/landing-contract.md 1, *Bounds*)."""
    return RejectedFile("too_large", f"{what}: {remedy}")


def too_many_columns(bounds: Bounds) -> RejectedFile:
    return too_large(f"the table has more than {bounds.columns:,} columns", "remove the columns that are not asked for")


def size_text(size: int) -> str:
    """A bound of so many bytes as a person reads it."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"


def extension(name: str) -> str:
    """The known extension of a file name, in lower case. Raises RejectedFile when there is none."""
    folded = name.lower()
    for known in EXTENSIONS:
        if folded.endswith("." + known):
            return known
    raise RejectedFile(
        "unsupported_format", "the format is not one of csv, csv.gz, xlsx, xls, json, jsonl: export it as one of them"
    )


def identity_of(path: Path) -> tuple[int, ...]:
    """What changes whenever somebody writes to a file."""
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@dataclass
class Sheet:
    """A candidate for the table of a file: its first rows, and how to load the rest once its header is known.

    `broken` says why the head ends early, where it does. `is_wide`: a row of the head has more cells than a table
    may have columns.
    """

    name: str
    head: list[list[str]]
    load: Loader
    broken: RejectedFile | None = None
    is_wide: bool = False


def head_row(cells: list[str], bounds: Bounds) -> list[str]:
    """A row of a head: as wide as a table may be, and one cell more where a filled one stands beyond that."""
    kept = cells[: bounds.columns]
    if any(cell.strip() for cell in cells[bounds.columns :]):
        kept.append("")
    # No name of a column is as long as this: what is longer only takes time.
    return [cell if len(cell) <= _NAME_LENGTH else " ".join(cell.split())[:_NAME_LENGTH] for cell in kept]


class Loader:
    """Loads the rows below the header into DuckDB."""

    def __call__(self, con: duckdb.DuckDBPyConnection, header_row: int, width: int) -> Grid:
        raise NotImplementedError


@dataclass(frozen=True)
class Grid:
    """Cells below the header: a DuckDB relation, by its name.

    Its columns: `row_number` as a spreadsheet shows it; the cells `c0`… as text; `n0`…, true where the cell was a
    number, for the positions in `typed`; `extra`, what a CSV row has beyond the header, where `has_extra`; of JSON
    `is_object` and the values `j0`… as they stand.
    """

    relation: str
    width: int
    typed: frozenset[int] = field(default_factory=frozenset)
    has_extra: bool = False
    is_json: bool = False
