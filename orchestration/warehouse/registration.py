"""Register the lake in the warehouse: schema `lake`, the only thing dbt reads.

One view per source over the files that count as of the day, the files themselves, the rejected rows of all
sources, the run's as-of day, the releases published before and the public holidays. No figure is computed here.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

import duckdb
import holidays
import pyarrow as pa

from orchestration.lake.files import LakeFile, empty_relation
from orchestration.quality.reviewed import load_rhythms
from orchestration.sources import Column, Source, all_sources
from orchestration.sql import exactly, literal, quoted

FIRST_YEAR, LAST_YEAR = 1900, 2100

# Tables of schema `lake` that are the same whatever landed.
OF_CODE = ("sources", "source_columns", "public_holidays")


Released = tuple[int, str, date, date]


def register(
    con: duckdb.DuckDBPyConnection, files: list[LakeFile], as_of: date, releases: Collection[Released] = ()
) -> None:
    """Fill schema `lake` for a run as of a day, from the files that count (`lake.counting`).

    `releases` are those ever published: number, id, as-of day, first month reported (`publishing.reported`).
    """
    sources = all_sources().values()
    con.execute("create schema if not exists lake")
    for table, kind in con.execute(
        "select table_name, table_type from information_schema.tables where table_schema = 'lake'"
    ).fetchall():
        con.execute(f"drop {'view' if kind == 'VIEW' else 'table'} lake.{quoted(table)}")
    con.execute(f"create table lake.run as select date {literal(as_of.isoformat())} as as_of")
    _table(con, "releases", list(releases), "number bigint, release_id varchar, as_of date, reported_from date")
    _register_declarations(con, sources)
    _register_files(con, files)
    _register_rows(con, sources, files)
    _register_holidays(con)


def _register_declarations(con: duckdb.DuckDBPyConnection, sources: Collection[Source]) -> None:
    rhythms = load_rhythms().sources
    declared = [
        (s.source, s.title_vi, r.every, r.counted_in, r.warns_after, r.blocks_after)
        for s in sources
        for r in [rhythms[s.source]]
    ]
    _table(
        con,
        "sources",
        declared,
        "source varchar, title_vi varchar, rhythm_days bigint, rhythm_unit varchar, warns_after_days bigint, "
        "blocks_after_days bigint",
    )
    columns = [
        (s.source, c.name, c.kind, c.required, ", ".join(dict.fromkeys(_headers(c))), c.personal)
        for s in sources
        for c in s.columns
    ]
    _table(
        con,
        "source_columns",
        columns,
        "source varchar, column_name varchar, kind varchar, is_required boolean, accepted_headers varchar, "
        "personal_data_class varchar",
    )


def _headers(column: Column) -> tuple[str, ...]:
    return (column.name, *column.names, *column.sum_of, *column.joined)


def _register_files(con: duckdb.DuckDBPyConnection, files: list[LakeFile]) -> None:
    rows = [
        (
            f.source or f.source_file.rpartition("/")[0] or None,
            f.source_file,
            f.sha256,
            f.stamp,
            f.status,
            f.rows_read,
            f.rows_accepted,
            f.rows_rejected,
            f.reason_code,
            f.detail,
            f.is_nested,
        )
        for f in files
    ]
    _table(
        con,
        "files",
        rows,
        "source varchar, source_file varchar, sha256 varchar, export_stamp timestamp, status varchar, "
        "rows_read bigint, rows_accepted bigint, rows_rejected bigint, reason_code varchar, detail varchar, "
        "is_nested boolean",
    )


def _register_rows(con: duckdb.DuckDBPyConnection, sources: Collection[Source], files: list[LakeFile]) -> None:
    """A view for each source, and one of the rejected rows of all."""
    for source in sources:
        con.execute(f"create view lake.{quoted(source.table)} as {_rows_of(source, files)}")
    rejected = " union all ".join(
        f"select {literal(s.source)} as source, source_file, row_number, reject_column as column_name, "
        f"reject_reason as reason_code, reject_detail as detail, raw_row from lake.{quoted(s.table)} "
        "where reject_reason is not null"
        for s in sources
    )
    con.execute(f"create view lake.rejected_rows as {rejected}")


def _rows_of(source: Source, files: list[LakeFile]) -> str:
    paths = [f.path for f in files if f.source == source.source and f.status == "accepted" and f.rows_read]
    if not paths:
        return empty_relation(source)
    listed = ", ".join(literal(exactly(Path(p))) for p in paths)
    return f"select * from read_parquet([{listed}])"


def _register_holidays(con: duckdb.DuckDBPyConnection) -> None:
    """Public holidays and worked Saturdays of Việt Nam, by package `holidays` (Labour Code 2019, article 112)."""
    vietnam = holidays.VN(years=range(FIRST_YEAR, LAST_YEAR + 1), language="vi")
    days = [(day, False, name) for day, name in vietnam.items()]
    days += [(day, True, "Ngày làm việc hoán đổi") for day in vietnam.weekend_workdays if day not in vietnam]
    _table(con, "public_holidays", sorted(days), "date_day date, is_working_day boolean, reason varchar")


def _table(con: duckdb.DuckDBPyConnection, name: str, rows: list[tuple], columns: str) -> None:
    con.execute(f"create table lake.{name} ({columns})")
    if rows:
        con.register(
            "registered",
            pa.table(list(map(list, zip(*rows, strict=True))), names=[f"c{i}" for i in range(len(rows[0]))]),
        )
        con.execute(f"insert into lake.{name} select * from registered")
        con.unregister("registered")
