"""How rows become a file, whole or not at all: CSV and Parquet by DuckDB's COPY, workbooks by `sheet`."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import duckdb

from orchestration.errors import CchcError, UsageError, is_full_disk
from orchestration.files import sync
from orchestration.plain import cell, cell_in_sql
from orchestration.reports.exports import sheet
from orchestration.sql import literal, quoted, to_parquet

SUFFIXES = (".csv", ".xlsx", ".parquet")


def require_place(out: Path, replace: bool) -> None:
    """Raises UsageError for a place that cannot be written, or is taken."""
    if out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--to {out}: name a file that ends with {', '.join(SUFFIXES)}")
    if out.is_dir():
        raise UsageError(f"--to {out} is a folder: name a file in it")
    if out.exists() and not replace:
        raise UsageError(f"--to {out} is there already: name another file, or add --replace")
    if not out.parent.is_dir():
        raise UsageError(f"--to {out}: the folder {out.parent} does not exist: make it first")
    if not os.access(out.parent, os.W_OK):
        raise UsageError(f"--to {out}: the folder {out.parent} cannot be written")


def drafts(out: Path) -> tuple[Path, Path]:
    """The file while it is written, and its rows before they have a header."""
    draft = out.absolute().with_name(f".{out.name}.{os.getpid()}.tmp")
    return draft, draft.with_suffix(".rows")


def write(
    con: duckdb.DuckDBPyConnection, query: str, headings: Mapping[str, str], out: Path, replace: bool = False
) -> int:
    """Write the rows of a query to `out`; gives their number. `headings` are for people: Parquet keeps the names.

    Raises UsageError when a sheet cannot hold them, CchcError when the disk is full.
    """
    draft, rows = drafts(out)
    try:
        match out.suffix.lower():
            case ".csv":
                number = _csv(con, query, headings, draft, rows)
            case ".xlsx":
                number = sheet.write(con, query, headings, draft)
            case _:
                [(number,)] = con.execute(to_parquet(query, draft)).fetchall()
        sync(draft)
        require_place(out, replace)
        os.replace(draft, out)
        sync(out.absolute().parent)
    except (OSError, duckdb.IOException) as error:
        if is_full_disk(error):
            raise CchcError(f"the disk is full: {out} was not written; make room and run the command again") from None
        raise
    finally:
        draft.unlink(missing_ok=True)
        rows.unlink(missing_ok=True)
    return number


def _csv(con: duckdb.DuckDBPyConnection, query: str, headings: Mapping[str, str], draft: Path, rows: Path) -> int:
    """UTF-8 with a mark for spreadsheets, in which no cell computes."""
    columns = con.sql(query)
    cells = ", ".join(
        cell_in_sql(f"{quoted(name)}::varchar") if is_text(kind) else quoted(name)
        for name, kind in zip(columns.columns, columns.types, strict=True)
    )
    [(number,)] = con.execute(
        f"copy (select {cells} from ({query})) to {literal(str(rows))} (format csv, header false)"
    ).fetchall()
    header = StringIO()
    csv.writer(header, lineterminator="\n").writerow(cell(headings.get(name, name)) for name in columns.columns)
    with draft.open("wb") as file, rows.open("rb") as body:
        file.write(header.getvalue().encode("utf-8-sig"))
        shutil.copyfileobj(body, file, 1 << 20)
    return number


def is_text(kind: object) -> bool:
    """Whether values of a type are written as text: anything but numbers, days, times and flags."""
    return sheet.kind_of(kind) == "text"
