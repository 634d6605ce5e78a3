"""Sorted rows as a lake file: in the lake's shape, nothing of a rejected row but its masked raw text."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.files import sha256_of, sync
from orchestration.ingestion.pseudonyms import Pseudonyms
from orchestration.ingestion.rows import SortedRows
from orchestration.lake.files import LakeFile, Written, lake_columns
from orchestration.sources import Source
from orchestration.sql import literal, quoted, to_parquet

_REMEDIES = {
    "time": "write it as dd/MM/yyyy HH:mm",
    "date": "write it as dd/MM/yyyy",
    "partial_date": "write it as dd.MM.yyyy, MM.yyyy or yyyy",
    "integer": "write a whole number",
    "money": "write whole VND",
    "decimal": "write a number",
    "flag": "write 1 or 0",
    "list": "write one of the values of the code list",
}


def write(
    con: duckdb.DuckDBPyConnection, source: Source, rows: SortedRows, file: LakeFile, made: str, pseudonyms: Pseudonyms
) -> Written:
    """The rows as a lake file of `file`, named after `made` and its source, safely on disk."""
    path = Path(f"{made}.{source.source.replace('/', '.')}.parquet")
    con.execute(to_parquet(_in_shape(source, rows, file, pseudonyms), path, file.metadata()))
    sync(path)
    return Written(file, path, sha256_of(path))


def _in_shape(source: Source, rows: SortedRows, file: LakeFile, pseudonyms: Pseudonyms) -> str:
    """The rows in the shape of `lake_columns`: defaults filled in, no pseudonym of a person who was erased."""
    stamp = f"timestamp {literal(f'{file.stamp}')}"
    values = {
        "source_file": literal(file.source_file),
        "export_stamp": stamp,
        "reject_detail": _detail(source),
    }
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
        values[name] = f"(case when {kept} then {value} end)::{kind}"
    select = ", ".join(f"{values.get(name, quoted(name))} as {quoted(name)}" for name, _ in lake_columns(source))
    return f"select {select} from {rows.relation}"


def _detail(source: Source) -> str:
    """One line for the person who landed the file: what is wrong with the row, and what to do."""
    of_columns = " ".join(
        f"when {literal(c.name)} then {literal(c.name + ': ')} || reject_reason || "
        + literal("; " + _REMEDIES.get(c.kind, "fill it in"))
        for c in source.columns
    )
    return (
        "case when reject_reason = 'extra_cell' "
        "then 'a filled cell stands beyond the header: quote cells that hold the separator' "
        "when reject_reason = 'not_an_object' then 'the record is no JSON object: export it again' "
        f"else case reject_column {of_columns} end end"
    )
