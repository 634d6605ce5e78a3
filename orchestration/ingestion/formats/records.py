"""JSON: an array, an object with the array under `data`, or one object a line."""

from __future__ import annotations

import codecs
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import duckdb
import numpy as np

from orchestration.ingestion.cells import COMPOSITE
from orchestration.ingestion.decode import Grid, RejectedFile, size_text, too_large
from orchestration.ingestion.formats.scratch import path_of, written
from orchestration.ingestion.formats.text import Text
from orchestration.settings import Bounds
from orchestration.sql import exactly, literal

_NUMERIC = "('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE')"
_CHUNK_BYTES = 4 << 20
_SPLIT = "export fewer or smaller records in one file"
_CONTROLS = [chr(code) for code in (*range(1, 9), *range(14, 32))]


def json_records(con: duckdb.DuckDBPyConnection, text: Text, work: Path, bounds: Bounds, *, lines: bool) -> str:
    """The relation of a file's records: `row_number`, and `j`, NULL where a line or element is no object.

    Raises RejectedFile, also for a record beyond its bound.
    """
    try:
        is_object = _load_lines(con, text, bounds) if lines else _load_members(con, text, work, bounds)
        [(largest,)] = con.execute("select max(strlen(j)) from json_texts").fetchall()
        if (largest or 0) > bounds.record:
            raise _large_record(bounds)
        con.execute(
            "create or replace temp table records as select rowid + 1 as row_number, "
            f"case when {is_object} then j::json end as j from json_texts"
        )
        con.execute("drop table json_texts")
    except duckdb.Error as error:
        if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
            raise
        if "maximum_object_size" in str(error) or "maximum line size" in str(error).lower():
            raise _large_record(bounds) from None
        raise RejectedFile("unreadable", "the JSON cannot be read: export the file again") from None
    return "records"


def _load_lines(con: duckdb.DuckDBPyConnection, text: Text, bounds: Bounds) -> str:
    """Each filled line as `j` into `json_texts`; gives the test for an object."""
    # A line is one cell: it would end at a separator that somebody could have written.
    no_separator = "".join(secrets.choice(_CONTROLS) for _ in range(4))
    con.execute(
        "create or replace temp table json_texts as select ltrim(line, '\ufeff') as j from read_csv(?, "
        f"delim = '{no_separator}', quote = '', escape = '', header = false, auto_detect = false, "
        f"columns = {{'line': 'VARCHAR'}}, max_line_size = {bounds.record}, strict_mode = false) "
        "where trim(line, ' \t\r\n\ufeff') <> ''",
        [exactly(text.path)],
    )
    return "json_valid(j) and json_type(j) = 'OBJECT'"


def _load_members(con: duckdb.DuckDBPyConnection, text: Text, work: Path, bounds: Bounds) -> str:
    """Each member of the array of records as `j` into `json_texts`; gives the test for an object."""
    array = _array_of(con, text, work, bounds)
    con.execute(
        "create or replace temp table json_texts as select json as j from "
        f"read_json_objects(?, format = 'array', maximum_object_size = {bounds.record})",
        [exactly(path_of(array))],
    )
    return "json_type(j) = 'OBJECT'"


def _large_record(bounds: Bounds) -> RejectedFile:
    return too_large(f"a record holds more than {size_text(bounds.record)}", _SPLIT)


def nested_records(con: duckdb.DuckDBPyConnection, records: str, rows: str, keys: list[str], parent_column: str) -> str:
    """The relation of the members of a list inside each of some records, shaped as `json_records` makes it.

    They bear the row number of their record and the `parent_column` of the row that was made of it. `keys` are the
    list's spellings, the first that holds a list counts.
    """
    lists = " ".join("when json_type(j, ?) = 'ARRAY' then json_extract(j, ?)" for _ in keys)
    con.execute(
        f"""
        create or replace temp table nested_records as
        select row_number, case when json_type(member) = 'OBJECT'
            then json_merge_patch(member, json_object('{parent_column}', parent)) end as j
        from (
            select row_number, parent, unnest(from_json(case {lists} end, '["JSON"]')) as member
            from (
                select row_number, j, {parent_column} as parent
                from {records} join {rows} using (row_number) order by row_number
            )
        )""",
        [path for key in keys for path in [_json_path(key)] * 2],
    )
    return "nested_records"


def record_keys(con: duckdb.DuckDBPyConnection, records: str, bounds: Bounds) -> list[str]:
    """Every key of some records, but the two that no path of DuckDB can name and no column bears.

    Raises RejectedFile when there are more of them than columns allowed, or a value is larger than a cell may be.
    """
    keys = con.execute(
        f"select k from (select distinct unnest(json_keys(j)) as k from {records} where j is not null) "
        f"where k not in ('', '*') limit {bounds.columns + 1}"
    ).fetchall()
    if len(keys) > bounds.columns:
        raise too_large(
            f"the records have more than {bounds.columns:,} different keys", "leave out what is not asked for"
        )
    _check_cells(con, records, bounds)
    return sorted(k for (k,) in keys)


def _check_cells(con: duckdb.DuckDBPyConnection, records: str, bounds: Bounds) -> None:
    """Lists and objects are no cells: the record that holds them bounds them."""
    is_long = f"json_type(v) not in ('ARRAY', 'OBJECT') and strlen(v) > {bounds.cell}"
    long_records = con.execute(f"select row_number from {records} where strlen(j) > {bounds.cell}").fetchall()
    for (row,) in long_records:  # one by one: each may be as large as a record may
        [(count,)] = con.execute(
            f"select len(list_filter(json_extract(j, '$.*'), lambda v: {is_long})) from {records} where row_number = ?",
            [row],
        ).fetchall()
        if count:
            raise too_large(f"a value of record {row} holds more than {size_text(bounds.cell)}", _SPLIT)


def spread_records(con: duckdb.DuckDBPyConnection, records: str, keys: list[str]) -> Grid:
    """Records as a grid: of every key a text cell, whether it is a number, and the value as it stands.

    Of an object or a list the text cell says only that it is one.
    """
    composites = " ".join(f"when {literal(kind)} then {literal(shown)}" for kind, shown in COMPOSITE.items())
    paths = "[" + ", ".join(literal(_json_path(key)) for key in keys) + "]::varchar[]"
    cells = []
    for i in range(len(keys)):
        raw = f"v[{i + 1}]"
        cells.append(
            f"case json_type({raw}) when 'VARCHAR' then {raw} ->> '$' {composites} "
            f"when 'DOUBLE' then regexp_replace({raw} ->> '$', '\\.0$', '') else {raw} ->> '$' end as c{i}"
        )
        cells.append(f"coalesce(json_type({raw}) in {_NUMERIC}, false) as n{i}")
        cells.append(f"{raw} as j{i}")
    relation = f"{records}_cells"
    con.execute(
        f"create or replace temp table {relation} as select {', '.join(['row_number', 'is_object', *cells])} from "
        f"(select row_number, j is not null as is_object, json_extract(j, {paths}) as v from {records})"
    )
    return Grid(relation, len(keys), typed=frozenset(range(len(keys))), is_json=True)


def _json_path(key: str) -> str:
    return '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _array_of(con: duckdb.DuckDBPyConnection, text: Text, work: Path, bounds: Bounds) -> IO[bytes]:
    """A file that is the array of records alone. Raises RejectedFile when the text holds none."""
    file = text.file
    file.seek(0)
    opening = file.read(4096).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    file.seek(max(text.size - 4096, 0))
    closing = file.read().rstrip()[-1:]
    if opening not in (b"[", b"{"):
        raise RejectedFile(
            "unreadable", "the JSON is neither an array nor an object with an array under `data`: export it as one"
        )
    if closing != {b"[": b"]", b"{": b"}"}[opening]:
        raise RejectedFile("truncated", "the JSON ends early: copy the file again")
    if opening == b"[":
        return file
    begin, end = _array_under_data(file, bounds)
    if begin + text.size - end > bounds.record:
        raise _large_record(bounds)
    around = _between(file, 0, begin), _between(file, end, text.size)
    document = b"[]".join(b"".join(part) for part in around).decode()
    if con.execute("select try(json_array_length(?::json, '$.data'))", [document]).fetchall() != [(0,)]:
        raise RejectedFile("unreadable", "the JSON object has no array under `data`: export it with one")
    return written(_between(file, begin, end), work, bounds, "the array under `data`")


def _between(file: IO[bytes], begin: int, end: int) -> Iterator[bytes]:
    file.seek(begin)
    while begin < end and (chunk := file.read(min(_CHUNK_BYTES, end - begin))):
        begin += len(chunk)
        yield chunk


_STEP = np.zeros(256, np.int8)
_STEP[list(b"[{")], _STEP[list(b"]}")], _STEP[ord('"')] = 1, -1, 2
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*)"\s*:\s*\Z')


class _Brackets:
    """The brackets outside of strings in a JSON text, as it streams by.

    Gives, chunk by chunk, their places in the file, whether each opens (1) or closes (-1), how deep it leaves the
    text, and whether it is `[`. `depth` and `in_string` say how the text ended.
    """

    def __init__(self, file: IO[bytes]):
        self.file, self.depth, self.in_string = file, 0, 0

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        self.file.seek(0)
        offset = slashes = 0
        while chunk := self.file.read(_CHUNK_BYTES):
            codes = np.frombuffer(chunk, np.uint8)
            steps = _STEP[codes]
            slashes = _skip_escaped(codes, steps, slashes)
            at = np.flatnonzero(steps)
            steps = steps[at]
            quotes = steps == 2
            inside = (np.cumsum(quotes) + self.in_string) & 1
            steps[quotes | (inside == 1)] = 0
            depths = np.cumsum(steps, dtype=np.int64) + self.depth
            if len(at):
                self.depth, self.in_string = int(depths[-1]), int(inside[-1])
            yield at + offset, steps, depths, codes[at] == ord("[")
            offset += len(chunk)


def _array_under_data(file: IO[bytes], bounds: Bounds) -> tuple[int, int]:
    """Where the array under `data` of a JSON object begins and ends, by its brackets outside of strings.

    Whether the text is JSON at all is left to the parser, which sees all of it later. Raises RejectedFile.
    """
    brackets = _Brackets(file)
    begin, left = None, bounds.columns
    for places, steps, depths, is_list in brackets:
        if begin is None:
            lists = places[(steps == 1) & (depths == 2) & is_list].tolist()
            begin = next((place for place in lists[:left] if _key_before(file, place) == "data"), None)
            left -= len(lists)
            if begin is None and left < 0:
                raise too_large(
                    f"the JSON object has more than {bounds.columns:,} keys", "export its records as an array"
                )
        if begin is not None:
            ends = places[(steps == -1) & (depths == 1) & (places > begin)]
            if len(ends):
                return begin, int(ends[0]) + 1
    if brackets.depth > 0 or brackets.in_string:
        raise RejectedFile("truncated", "the JSON ends early: copy the file again")
    raise RejectedFile("unreadable", "the JSON object has no array under `data`: export it with one")


def _skip_escaped(codes: np.ndarray, steps: np.ndarray, before: int) -> int:
    """No step for a character behind an odd run of backslashes; `before` of them ended the chunk before.

    Returns how many end this one.
    """
    slashes = np.flatnonzero(codes == ord("\\"))
    breaks = np.flatnonzero(np.diff(slashes) != 1)
    first, last = np.append(0, breaks + 1), np.append(breaks, len(slashes) - 1)
    lengths = slashes[last] - slashes[first] + 1 if len(slashes) else np.empty(0, np.int64)
    if before and len(slashes) and slashes[0] == 0:
        lengths[0] += before
    elif before % 2:
        steps[0] = 0
    if not len(slashes):
        return 0
    escaped = slashes[last][lengths % 2 == 1] + 1
    steps[escaped[escaped < len(codes)]] = 0
    return int(lengths[-1]) if slashes[-1] == len(codes) - 1 else 0


def _key_before(file: IO[bytes], position: int) -> str | None:
    start = max(position - 4096, 0)
    key = _KEY.search(os.pread(file.fileno(), position - start, start))
    try:
        return json.loads(b'"' + key[1] + b'"') if key else None
    except ValueError:
        return None
