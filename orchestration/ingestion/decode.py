"""What decoding any format gives: sheets with a head to find the header in, then one grid of cells in DuckDB.

A grid is the table `grid`: `row_number` as a spreadsheet shows it, the cells `c0…` as text, and for formats with
typed cells `n0…`, true where the cell was a number. JSON records become a grid once their keys are known.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

HEAD_ROWS = 200
EXTENSIONS = ("csv.gz", "csv", "xlsx", "xls", "jsonl", "json")


class RejectedFile(Exception):
    """A landed file that cannot be read as a whole: a reason code and one line for the person who landed it."""

    def __init__(self, reason_code: str, detail: str):
        super().__init__(detail)
        self.reason_code = reason_code
        self.detail = detail


def extension(name: str) -> str:
    """The known extension of a file name, in lower case. Raises RejectedFile when there is none."""
    folded = name.lower()
    for known in EXTENSIONS:
        if folded.endswith("." + known):
            return known
    raise RejectedFile(
        "unsupported_format", "the format is not one of csv, csv.gz, xlsx, xls, json, jsonl: export it as one of them"
    )


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity_of(path: Path) -> tuple[int, ...]:
    """What changes whenever somebody writes to a file."""
    found = os.stat(path)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@dataclass
class Sheet:
    """A candidate for the table of a file: its first rows, and how to load the rest once its header is known.

    `broken` says why the head ends early, where it does.
    """

    name: str
    head: list[list[str]]
    load: Loader
    broken: RejectedFile | None = None


class Loader:
    """Loads the rows below the header into the table `grid`; `typed` names the cells that may be numbers."""

    def __call__(self, con: duckdb.DuckDBPyConnection, header_row: int, width: int) -> Grid:
        raise NotImplementedError


@dataclass
class Grid:
    """Cells below the header, in the DuckDB table `grid`."""

    width: int
    typed: frozenset[int] = field(default_factory=frozenset)
    has_extra: bool = False
    is_json: bool = False
