"""Reading one landed file: decode, find the header, type its cells, pseudonymise, write its lake files."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import duckdb

from orchestration.errors import CchcError
from orchestration.files import sha256_of, sync
from orchestration.ingestion import decode, header
from orchestration.ingestion.cells import fold
from orchestration.ingestion.decode import RejectedFile, Sheet
from orchestration.ingestion.formats import records, text, workbook
from orchestration.ingestion.landing import LandedFile
from orchestration.ingestion.pseudonyms import Pseudonyms
from orchestration.ingestion.rows import Counts, sort_out
from orchestration.lake.files import LakeFile, Written, lake_columns
from orchestration.settings import Bounds, Settings
from orchestration.sources import Source, all_sources
from orchestration.sql import literal, quoted
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

    They are named after `made`. Raises CchcError when our own disk is full.
    """
    sources = all_sources()
    source = sources.get(file.source) if file.source else None
    try:
        if source is None:
            raise RejectedFile(
                "unknown_source", "no source has this folder: move the file into the folder of its source"
            )
        if not sha256:
            raise RejectedFile("unreadable", "the file cannot be opened: grant access to it")
        if file.stamp is None:
            raise RejectedFile(
                "no_export_stamp",
                "the file name bears no date of its export: rename it with one, such as 20231116_2330",
            )
        pseudonyms.ready(con, source)
        read = _read(con, file, source, work, bounds)
        taken = replace(
            landed_as(file, sha256),
            rows_read=read.counts.read,
            rows_accepted=read.counts.accepted,
            rows_rejected=read.counts.rejected,
            unknown_columns=tuple(read.header.unknown),
        )
        stored = _as_stored(source, taken, pseudonyms)
        if source.nested and read.is_json:
            con.execute(f"create or replace temp table own_rows as {stored}")
            stored = "select * from own_rows"
        nested = _take_in_nested(con, source, taken, read, bounds, made, pseudonyms)
        return [_written(con, stored, taken, made), *nested]
    except RejectedFile as rejection:
        return [rejected(file, sha256, rejection)]
    except (MemoryError, duckdb.OutOfMemoryException):
        too_large = RejectedFile(
            "too_large",
            f"reading it takes more than the {bounds.memory >> 20} MiB of memory or {bounds.disk >> 20} MiB of disk "
            "that a file is given: split the export, or raise CCHC_FILE_MEMORY or CCHC_FILE_DISK",
        )
        return [rejected(file, sha256, too_large, by_itself=False)]
    except (OSError, duckdb.IOException) as error:
        if _is_our_disk(error):
            raise CchcError(
                f"the home's disk is full or read-only while {file.source_file} is read: free space, then run again"
            ) from None
        away = RejectedFile("unreadable", "the file cannot be read to its end: check the share it lies on")
        return [rejected(file, sha256, away, by_itself=False)]
    except Exception as error:
        # What no reader foresaw in one file must not stop the others; its message might quote a cell.
        unforeseen = f"the content cannot be read ({type(error).__name__}): export the file again in another format"
        return [rejected(file, sha256, RejectedFile("unreadable", unforeseen))]


def _is_our_disk(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in _OUT_OF_SPACE
    return any(os.strerror(number) in str(error) for number in _OUT_OF_SPACE)


def _written(con: duckdb.DuckDBPyConnection, relation: str, file: LakeFile, made: str) -> Written:
    """A relation as a lake file, safely on disk."""
    path = Path(f"{made}.{(file.source or '').replace('/', '.')}.parquet")
    metadata = ", ".join(f"{quoted(k)}: {literal(v)}" for k, v in file.metadata().items())
    con.execute(
        f"copy ({relation}) to {literal(str(path))} "
        f"(format parquet, compression zstd, compression_level 1, kv_metadata {{{metadata}}})"
    )
    sync(path)
    return Written(file, path, sha256_of(path))


@dataclass
class _Read:
    counts: Counts
    header: header.Header
    is_json: bool = False
    keys: list[str] = field(default_factory=list)


def _read(con: duckdb.DuckDBPyConnection, file: LandedFile, source: Source, work: Path, bounds: Bounds) -> _Read:
    """Decode, find the header, type and sort: the rows end in `sorted_rows`. Raises RejectedFile."""
    kind = decode.extension(file.source_file)
    with open(file.path, "rb") as landed:
        return _read_as(kind, con, landed, source, work, bounds)


def _read_as(
    kind: str, con: duckdb.DuckDBPyConnection, landed: IO[bytes], source: Source, work: Path, bounds: Bounds
) -> _Read:
    if os.fstat(landed.fileno()).st_size == 0:
        raise RejectedFile("empty", "the file holds no bytes: export it again")
    if kind in ("json", "jsonl"):
        lines = kind == "jsonl"
        content = text.as_text(landed, work, bounds, fallback=None, one_record_a_line=lines)
        records.json_records(con, content, work, bounds, lines=lines)
        return _read_records(con, source, bounds)
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
    return _Read(sort_out(con, source, grid, found), found)


def _prepare(con: duckdb.DuckDBPyConnection, columns: int) -> None:
    """These steps of DuckDB's planner take a time that grows with the square of the columns: minutes for 2,000."""
    if columns > 200:
        con.execute("set disabled_optimizers = 'statistics_propagation,common_subexpressions'")


def _read_records(con: duckdb.DuckDBPyConnection, source: Source, bounds: Bounds, *, is_nested: bool = False) -> _Read:
    """Nested rows are accepted or rejected each by itself, never as a file."""
    keys = records.record_keys(con, bounds)
    _prepare(con, len(keys))
    [(count,)] = con.execute("select count(*) from records").fetchall()
    found = header.find_keys(keys, source, has_records=count > 0 and not is_nested)
    grid = records.spread_records(con, keys)
    return _Read(sort_out(con, source, grid, found, may_be_shifted=not is_nested), found, True, keys)


def _take_in_nested(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    parent: LakeFile,
    read: _Read,
    bounds: Bounds,
    made: str,
    pseudonyms: Pseudonyms,
) -> list[Written]:
    """Rows of other sources inside JSON records, with the parent's file, stamp and row number."""
    sources, taken = all_sources(), []
    if source.nested and read.is_json:
        con.execute(
            "create or replace temp table parents as "
            "from records join sorted_rows using (row_number) order by row_number"
        )
    for nested in source.nested:
        keys = [k for k in read.keys if fold(k) == fold(nested.key)]
        if not keys or nested.source not in sources:
            continue
        inner = sources[nested.source]
        records.nested_records(con, keys, nested.parent_column)
        pseudonyms.ready(con, inner)
        inside = _read_records(con, inner, bounds, is_nested=True)
        file = replace(
            parent,
            source=inner.source,
            declaration=inner.version,
            is_nested=True,
            unknown_columns=tuple(inside.header.unknown),
            rows_read=inside.counts.read,
            rows_accepted=inside.counts.accepted,
            rows_rejected=inside.counts.rejected,
        )
        taken.append(_written(con, _as_stored(inner, file, pseudonyms), file, made))
    return taken


def _as_stored(source: Source, file: LakeFile, pseudonyms: Pseudonyms) -> str:
    """`sorted_rows` in the lake's shape: defaults filled in, nothing of a rejected row but its masked raw text, no
    pseudonym of a person who was erased."""
    remedies = {c.name: f"{_requirement(c)}" for c in source.columns}
    detail = " ".join(
        f"when {literal(name)} then {literal(name + ': ')} || reject_reason || {literal('; ' + remedy)}"
        for name, remedy in remedies.items()
    )
    stamp = f"timestamp {literal(f'{file.stamp}')}"
    select = [
        f"{literal(file.source_file)} as source_file",
        f"{stamp} as export_stamp",
        "row_number",
    ]
    defaults = {c.stored_name: literal(c.default) for c in source.columns if c.default}
    defaults |= {c.stored_name: "false" for c in source.columns if c.kind == "flag"}
    erased = {
        name: test
        for c in source.identities
        if (test := pseudonyms.erased.test(source.source, quoted(c.stored_name), stamp))
        for name in (c.stored_name, c.kind_name)
    }
    for name, kind in source.stored_columns():
        value = f"coalesce({quoted(name)}, {defaults[name]})" if name in defaults else quoted(name)
        kept = f"reject_reason is null and not {erased[name]}" if name in erased else "reject_reason is null"
        select.append(f"(case when {kept} then {value} end)::{kind} as {quoted(name)}")
    select.append("reject_reason")
    select.append("reject_column")
    select.append(
        "case when reject_reason = 'extra_cell' "
        "then 'a filled cell stands beyond the header: quote cells that hold the separator' "
        "when reject_reason = 'not_an_object' then 'the record is no JSON object: export it again' "
        f"else case reject_column {detail} end end as reject_detail"
    )
    select.append("raw_row")
    assert len(select) == len(lake_columns(source))
    return f"select {', '.join(select)} from sorted_rows"


def _requirement(column) -> str:
    return {
        "time": "write it as dd/MM/yyyy HH:mm",
        "date": "write it as dd/MM/yyyy",
        "partial_date": "write it as dd.MM.yyyy, MM.yyyy or yyyy",
        "integer": "write a whole number",
        "money": "write whole VND",
        "decimal": "write a number",
        "flag": "write 1 or 0",
        "list": "write one of the values of the code list",
    }.get(column.kind, "fill it in")
