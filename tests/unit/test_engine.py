"""Every engine keeps to the memory and threads that the settings grant (CCHC_THREADS, CCHC_MEMORY_LIMIT)."""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.ingestion.reader import reading_engine
from orchestration.settings import Settings
from orchestration.sql import to_parquet
from orchestration.sql.engine import connect

GRANTED = {"CCHC_THREADS": "3", "CCHC_MEMORY_LIMIT": "300MiB", "CCHC_FILE_MEMORY": str(100 << 20)}


def setting(con: duckdb.DuckDBPyConnection, name: str) -> object:
    return con.execute("select current_setting(?)", [name]).fetchall()[0][0]


def test_threads_and_memory_reach_every_engine(tmp_path: Path) -> None:
    settings = Settings.load(env=GRANTED)
    with connect(settings, tmp_path / "spill") as con:
        assert (setting(con, "threads"), setting(con, "memory_limit")) == (3, "300.0 MiB")
    with reading_engine(settings, tmp_path) as con:
        assert (setting(con, "threads"), setting(con, "memory_limit")) == (3, "50.0 MiB"), (
            "half of what a file is given"
        )


def test_a_parquet_file_says_of_itself_what_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "it's.parquet"
    with duckdb.connect() as con:
        con.execute(to_parquet("select 1 as a", path, {"cchc.x": "'\"y"}))
        told = con.execute("select decode(key), decode(value) from parquet_kv_metadata(?)", [str(path)]).fetchall()
        assert told == [("cchc.x", "'\"y")] and con.execute("from read_parquet(?)", [str(path)]).fetchall() == [(1,)]
