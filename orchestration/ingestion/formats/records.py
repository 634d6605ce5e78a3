"""JSON: an array, an object with the array under `data`, or one object a line."""

from __future__ import annotations

import codecs

import duckdb

from orchestration.engine import exactly
from orchestration.ingestion.cells import COMPOSITE, literal
from orchestration.ingestion.decode import Grid, RejectedFile
from orchestration.ingestion.formats.text import Text

_NUMERIC = "('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE')"


def json_records(con: duckdb.DuckDBPyConnection, text: Text, *, lines: bool) -> None:
    """Records into `records (row_number, j)`; `j` is NULL where a line or element is no object.

    Raises RejectedFile.
    """
    largest = max(text.path.stat().st_size + 1024, 16 << 20)
    try:
        if lines:
            con.execute(
                "create or replace temp table lines as select ltrim(line, '\ufeff') as j from read_csv(?, "
                "delim = '\x01', quote = '', escape = '', header = false, auto_detect = false, "
                f"columns = {{'line': 'VARCHAR'}}, max_line_size = {largest}, strict_mode = false) "
                "where trim(line, ' \t\r\n\ufeff') <> ''",
                [exactly(text.path)],
            )
            is_object = "json_valid(j) and json_type(j) = 'OBJECT'"
        else:
            _load_json_array(con, text, largest)
            is_object = "json_type(j) = 'OBJECT'"
        con.execute(
            "create or replace temp table records as select rowid + 1 as row_number, "
            f"case when {is_object} then j::json end as j from lines"
        )
    except duckdb.Error as error:
        if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
            raise
        raise RejectedFile("unreadable", "the JSON cannot be read: export the file again") from None


def nested_records(con: duckdb.DuckDBPyConnection, keys: list[str], parent_column: str) -> None:
    """The members of a list inside each of `parents (row_number, j, …)` become `records`.

    They bear the parent's row number and its `parent_column`. `keys` are the list's spellings, the first
    that holds a list counts.
    """
    lists = " ".join("when json_type(j, ?) = 'ARRAY' then json_extract(j, ?)" for _ in keys)
    con.execute(
        f"""
        create or replace temp table records as
        select row_number, case when json_type(member) = 'OBJECT'
            then json_merge_patch(member, json_object('{parent_column}', parent)) end as j
        from (
            select row_number, {parent_column} as parent,
                unnest(from_json(case {lists} end, '["JSON"]')) as member
            from parents
        )""",
        [path for key in keys for path in [_json_path(key)] * 2],
    )


def record_keys(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Every key of `records`, but the two that no path of DuckDB can name and no column bears."""
    keys = con.execute("select distinct unnest(json_keys(j)) from records where j is not null").fetchall()
    return sorted(k for (k,) in keys if k not in ("", "*"))


def spread_records(con: duckdb.DuckDBPyConnection, keys: list[str]) -> Grid:
    """`records` as a `grid`: a text cell, whether it is a number, and the raw JSON (`j0`…) for every key.

    Of an object or a list the text cell says only that it is one.
    """
    composites = " ".join(f"when {literal(kind)} then {literal(shown)}" for kind, shown in COMPOSITE.items())
    listed = "[" + ", ".join("'" + _json_path(k).replace("'", "''") + "'" for k in keys) + "]::varchar[]"
    cells = []
    for i in range(len(keys)):
        raw = f"v[{i + 1}]"
        cells.append(
            f"case json_type({raw}) when 'VARCHAR' then {raw} ->> '$' {composites} "
            f"when 'DOUBLE' then regexp_replace({raw} ->> '$', '\\.0$', '') else {raw} ->> '$' end as c{i}"
        )
        cells.append(f"coalesce(json_type({raw}) in {_NUMERIC}, false) as n{i}")
        cells.append(f"{raw} as j{i}")
    con.execute("drop view if exists grid")
    con.execute(
        f"create or replace temp table lines as select {', '.join(['row_number', 'is_object', *cells])} from "
        f"(select row_number, j is not null as is_object, json_extract(j, {listed}) as v from records)"
    )
    con.execute("create or replace temp view grid as select * from lines")
    return Grid(len(keys), typed=frozenset(range(len(keys))), is_json=True)


def _json_path(key: str) -> str:
    return '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _load_json_array(con: duckdb.DuckDBPyConnection, text: Text, largest: int) -> None:
    with open(text.path, "rb") as file:
        opening = file.read(4096).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
        file.seek(max(text.path.stat().st_size - 4096, 0))
        closing = file.read().rstrip()[-1:]
    if opening not in (b"[", b"{"):
        raise RejectedFile(
            "unreadable", "the JSON is neither an array nor an object with an array under `data`: export it as one"
        )
    if closing != {b"[": b"]", b"{": b"}"}[opening]:
        raise RejectedFile("truncated", "the JSON ends early: copy the file again")
    read = f"read_json_objects(?, format = '{{}}', maximum_object_size = {largest})"
    if opening == b"[":
        con.execute(
            f"create or replace temp table lines as select json as j from {read.format('array')}", [exactly(text.path)]
        )
        return
    kinds = con.execute(
        f"select json_type(json, '$.data') from {read.format('unstructured')}", [exactly(text.path)]
    ).fetchall()
    if kinds != [("ARRAY",)]:
        raise RejectedFile("unreadable", "the JSON object has no array under `data`: export it with one")
    con.execute(
        "create or replace temp table lines as "
        "select unnest(from_json(json_extract(json, '$.data'), '[\"JSON\"]')) as j "
        f"from {read.format('unstructured')}",
        [exactly(text.path)],
    )
