"""Reading one landed file: decode, find the header, sort out its rows, write its lake files."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import duckdb

from orchestration.errors import DiskFull
from orchestration.ingestion import decode, header
from orchestration.ingestion.cells import fold
from orchestration.ingestion.decode import RejectedFile, Sheet
from orchestration.ingestion.formats import records, text, workbook
from orchestration.ingestion.landing import LandedFile
from orchestration.ingestion.pseudonyms import Pseudonyms
from orchestration.ingestion.rows import SortedRows, sort_out
from orchestration.ingestion.writer import write
from orchestration.lake.files import LakeFile, Written
from orchestration.settings import Bounds, Settings
from orchestration.sources import Source, all_sources
from orchestration.sql.engine import connect

_OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def reading_engine(settings: Settings, work: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB within the bounds of a file.

    What it spills is clear text of persons, hence encrypted under a key that dies with the process.
    """
    bounds = settings.bounds
    con = connect(replace(settings, memory_limit=f"{bounds.memory // 2 >> 20}MiB"), work / "spill")
    con.execute("set force_mbedtls_unsafe = true")
    con.execute("set temp_file_encryption = true")
    con.execute("set max_temp_directory_size = ?", [f"{bounds.disk >> 20}MiB"])
    return con


def landed_as(file: LandedFile, sha256: str) -> LakeFile:
    """What the lake will say of a landed file before anything is known of its rows."""
    source = all_sources().get(file.source) if file.source else None
    return LakeFile(
        file.source, file.source_file, sha256, file.stamp, "accepted", declaration=source.version if source else ""
    )


def rejected(file: LandedFile, sha256: str, rejection: RejectedFile, *, by_itself: bool = True) -> Written:
    """A landed file rejected whole. What is not the file's own fault is read again the next night."""
    known = landed_as(file, sha256)
    return Written(
        replace(
            known,
            status="rejected",
            reason_code=rejection.reason_code,
            detail=rejection.detail,
            declaration=known.declaration if by_itself else "",
        )
    )


def take_in(
    con: duckdb.DuckDBPyConnection,
    file: LandedFile,
    sha256: str,
    bounds: Bounds,
    work: Path,
    made: str,
    pseudonyms: Pseudonyms,
) -> list[Written]:
    """Write the lake files of one landed file: its own, and one per source nested in it.

    They are named after `made`. Raises DiskFull when our own disk is full.
    """
    try:
        source = _source_of(file, sha256)
        pseudonyms.ready(con, source)
        own = _read(con, file, source, work, bounds)
        parts = [(source, own), *_read_nested(con, source, own, bounds, pseudonyms)]
        known = landed_as(file, sha256)
        return [write(con, part, read.rows, _told(known, part, read), made, pseudonyms) for part, read in parts]
    except Exception as error:
        rejection, by_itself = _rejection_for(error, file, bounds)
        return [rejected(file, sha256, rejection, by_itself=by_itself)]


def _source_of(file: LandedFile, sha256: str) -> Source:
    """The source of a file that can be read at all. Raises RejectedFile for another."""
    source = all_sources().get(file.source) if file.source else None
    if source is None:
        raise RejectedFile("unknown_source", "no source has this folder: move the file into the folder of its source")
    if not sha256:
        raise RejectedFile("unreadable", "the file cannot be opened: grant access to it")
    if file.stamp is None:
        raise RejectedFile(
            "no_export_stamp",
            "the file name bears no date of its export: rename it with one, such as 20231116_2330",
        )
    return source


def _rejection_for(error: Exception, file: LandedFile, bounds: Bounds) -> tuple[RejectedFile, bool]:
    """What a file is rejected for whose reading ended so, and whether that depends on the file alone.

    Raises DiskFull when our own disk is full.
    """
    match error:
        case RejectedFile():
            return error, True
        case MemoryError() | duckdb.OutOfMemoryException():
            too_large = RejectedFile(
                "too_large",
                f"reading it takes more than the {bounds.memory >> 20} MiB of memory or {bounds.disk >> 20} MiB of "
                "disk that a file is given: split the export, or raise CCHC_FILE_MEMORY or CCHC_FILE_DISK",
            )
            return too_large, False
        case OSError() | duckdb.IOException():
            if _is_our_disk(error):
                raise DiskFull(
                    f"the home's disk is full or read-only while {file.source_file} is read: free space, then run again"
                ) from None
            return RejectedFile("unreadable", "the file cannot be read to its end: check the share it lies on"), False
        case _:
            # What no reader foresaw in one file must not stop the others; its message might quote a cell.
            unforeseen = f"the content cannot be read ({type(error).__name__}): export the file again in another format"
            return RejectedFile("unreadable", unforeseen), True


def _is_our_disk(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in _OUT_OF_SPACE
    return any(os.strerror(number) in str(error) for number in _OUT_OF_SPACE)


@dataclass(frozen=True)
class _Read:
    """What a file or a nested list holds: its header and sorted rows, of JSON also its records and their keys."""

    header: header.Header
    rows: SortedRows
    records: str = ""
    keys: list[str] = field(default_factory=list)


def _told(landed: LakeFile, source: Source, read: _Read) -> LakeFile:
    """What the lake file of one source says of the landed file, now that its rows are known."""
    return replace(
        landed,
        source=source.source,
        declaration=source.version,
        is_nested=source.source != landed.source,
        rows_read=read.rows.read,
        rows_accepted=read.rows.accepted,
        rows_rejected=read.rows.rejected,
        unknown_columns=tuple(read.header.unknown),
    )


def _read(con: duckdb.DuckDBPyConnection, file: LandedFile, source: Source, work: Path, bounds: Bounds) -> _Read:
    """Decode, find the header, sort out the rows. Raises RejectedFile."""
    kind = decode.extension(file.source_file)
    with open(file.path, "rb") as landed:
        if os.fstat(landed.fileno()).st_size == 0:
            raise RejectedFile("empty", "the file holds no bytes: export it again")
        if kind in ("json", "jsonl"):
            lines = kind == "jsonl"
            content = text.as_text(landed, work, bounds, fallback=None, one_record_a_line=lines)
            return _read_records(con, records.json_records(con, content, work, bounds, lines=lines), source, bounds)
        return _read_table(con, landed, kind, source, work, bounds)


def _read_table(
    con: duckdb.DuckDBPyConnection, landed: IO[bytes], kind: str, source: Source, work: Path, bounds: Bounds
) -> _Read:
    if kind in ("csv", "csv.gz"):
        plain = text.gunzip(landed, work, bounds) if kind == "csv.gz" else landed
        sheets: Iterable[Sheet] = text.csv_sheets(text.as_text(plain, work, bounds), bounds)
    else:
        sheets = workbook.workbook_sheets(landed, kind, bounds)
    try:
        sheet, found = header.find(sheets, source)
    except RejectedFile as rejection:
        # The header that lacks a column may be one that was too wide to be looked at in full.
        if rejection.reason_code in ("no_header", "missing_column") and any(s.is_wide for s in sheets):
            raise decode.too_many_columns(bounds) from None
        raise
    _prepare(con, found.width)
    grid = sheet.load(con, found.row, found.width)
    return _Read(found, sort_out(con, source, grid, found))


def _read_records(
    con: duckdb.DuckDBPyConnection, listed: str, source: Source, bounds: Bounds, *, is_nested: bool = False
) -> _Read:
    """Nested rows are accepted or rejected each by itself, never as a file."""
    keys = records.record_keys(con, listed, bounds)
    _prepare(con, len(keys))
    [(count,)] = con.execute(f"select count(*) from {listed}").fetchall()
    found = header.find_keys(keys, source, has_records=count > 0 and not is_nested)
    grid = records.spread_records(con, listed, keys)
    rows = sort_out(con, source, grid, found, may_be_shifted=not is_nested)
    con.execute(f"drop table {grid.relation}")
    return _Read(found, rows, listed, keys)


def _read_nested(
    con: duckdb.DuckDBPyConnection, source: Source, read: _Read, bounds: Bounds, pseudonyms: Pseudonyms
) -> Iterator[tuple[Source, _Read]]:
    """The rows of other sources inside the records of a file, source by source."""
    sources = all_sources()
    for nested in source.nested:
        keys = [k for k in read.keys if fold(k) == fold(nested.key)]
        if keys and nested.source in sources:
            inner = sources[nested.source]
            pseudonyms.ready(con, inner)
            members = records.nested_records(con, read.records, read.rows.relation, keys, nested.parent_column)
            yield inner, _read_records(con, members, inner, bounds, is_nested=True)


def _prepare(con: duckdb.DuckDBPyConnection, columns: int) -> None:
    """These steps of DuckDB's planner take a time that grows with the square of the columns: minutes for 2,000."""
    left_out = "statistics_propagation,common_subexpressions" if columns > 200 else ""
    con.execute(f"set disabled_optimizers = '{left_out}'")
