"""A warehouse built from a landing folder for tests: the real ingestion and dbt, without checks and publication."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.night.request import Request
from orchestration.settings import Settings
from tests.support.nights import KEY


def build_warehouse(landing: Path, home: Path, as_of: date) -> duckdb.DuckDBPyConnection:
    """Ingest and build; the connection also has the macros that a release publishes."""
    with held(Request(Settings.load(landing, home, {"CCHC_PSEUDONYM_KEY": KEY}), as_of)) as night:
        steps.build(night, steps.ingest(night))
    con = duckdb.connect(str(night.home.warehouse))
    publish_macros(con)
    return con


def publish_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Make the macros of a release in a built warehouse."""
    for (statement,) in con.execute("select statement from intermediate.int_published_macros").fetchall():
        con.execute(statement.replace("create macro", "create or replace macro", 1))


def differing(one: Path, other: Path) -> list[str]:
    """The tables and views, without the lake's own, that two built warehouses do not both have with the same rows."""
    with duckdb.connect() as con:
        con.execute(f"attach '{one}' as one (read_only)")
        con.execute(f"attach '{other}' as other (read_only)")
        found = con.execute(
            "select table_schema || '.' || table_name, list(table_catalog) from information_schema.tables "
            "where table_catalog in ('one', 'other') and table_schema <> 'lake' group by all order by all"
        ).fetchall()
        assert len(found) > 100, found
        return [
            name
            for name, catalogs in found
            if len(catalogs) == 1
            or con.sql(
                f"(from one.{name} except all from other.{name}) union all (from other.{name} except all from one.{name})"
            ).fetchall()
        ]
