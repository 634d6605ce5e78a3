"""`cchc query`: one SELECT over the release, which can reach nothing else and change nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.errors import CchcError, UsageError
from orchestration.home import Home
from orchestration.publishing import releases
from orchestration.publishing.releases import Release
from orchestration.reports.queries import answered


@pytest.fixture(scope="module")
def current(home: Path) -> Release:
    return releases.require_current(Home(home))


def rows_of(release: Release, sql: str) -> list[tuple]:
    with answered(release, sql) as (_, batches):
        return [row for batch in batches for row in batch]


@pytest.mark.parametrize(
    "sql",
    [
        "copy (select 1) to '{out}'",
        "attach '{out}' as other",
        "attach ':memory:' as other",
        "install httpfs",
        "load httpfs",
        "set threads = 1",
        "export database '{out}'",
        "drop table marts.fct_trainings",
        "insert into marts.fct_trainings select * from marts.fct_trainings",
        "create temp table mine as select 1",
        "pragma version",
        "checkpoint",
        "select 1; select 2",
        "explain analyze select 1",
        "",
    ],
)
def test_nothing_but_one_select_is_answered(sql: str, current: Release, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in current.path.rglob("*")}
    with pytest.raises(UsageError, match="answers one SELECT"):
        rows_of(current, sql.format(out=tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in current.path.rglob("*")} == before


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('{manifest}')",
        "select * from read_csv('/etc/passwd')",
        "from '{parquet}'",
        "select * from glob('/*')",
        "select * from read_blob('/dev/stdin')",
        "select * from query('select * from read_text(''{manifest}'')')",
        "select * from duckdb_secrets()",
    ],
)
def test_nothing_beside_the_release_is_read(sql: str, current: Release) -> None:
    asked = sql.format(
        manifest=current.path / "manifest.json", parquet=current.path / "parquet" / "fct_dossiers.parquet"
    )
    with pytest.raises(UsageError, match="beyond the release"):
        rows_of(current, asked)


def test_an_error_tells_what_is_wrong_and_no_cell(current: Release) -> None:
    for sql, said in (
        ("selec 1", 'syntax error at or near "selec"'),
        ("from nowhere", "Table with name nowhere does not exist"),
        ("select nothing from fct_dossiers", '"nothing" not found'),
    ):
        with pytest.raises(UsageError, match=said):
            rows_of(current, sql)
    for sql in ("select dossier_code::int from fct_dossiers", "select error(dossier_code) from fct_dossiers"):
        with pytest.raises(CchcError) as ended:
            rows_of(current, sql)
        assert not isinstance(ended.value, UsageError) and "H99" not in str(ended.value)


def test_no_variable_of_the_process_is_a_table(current: Release) -> None:
    import pyarrow as pa

    secret = pa.table({"key": ["a key for tests"]})
    with pytest.raises(UsageError, match="does not exist"):
        rows_of(current, "from secret")
    assert secret.num_rows == 1


def test_tables_need_no_schema(current: Release) -> None:
    assert rows_of(current, "select count(*) from fct_dossiers") == [(15,)]
    assert rows_of(current, "select count(*) from ho_so") == [(15,)]
    [(agencies,)] = rows_of(current, "select count(*) from agencies")
    assert rows_of(current, "select count(*) from history.agencies") == [(agencies,)]


def test_the_formats(ask: Callable[..., str], home: Path) -> None:
    sql = "select '=1' as \"=a\", 1 as n, 2 as n, null as nothing, 0.5::decimal(3, 1) as part, date '2023-01-02' as day"
    read = list(csv.reader(io.StringIO(ask("query", sql, "--home", home, "--format", "csv"))))
    assert read == [["'=a", "n", "n_1", "nothing", "part", "day"], ["'=1", "1", "2", "", "0.5", "2023-01-02"]]
    [told] = json.loads(ask("query", sql, "--home", home, "--format", "json"))
    assert told == {"=a": "=1", "n": 1, "n_1": 2, "nothing": None, "part": 0.5, "day": "2023-01-02"}
    assert ask("query", sql, "--home", home).splitlines() == [
        "=a  n  n_1  nothing  part  day", "=1  1  2    -        0.5   2023-01-02"
    ]  # fmt: skip


def test_the_question_is_read_from_stdin(cchc: Callable, home: Path) -> None:
    ended = cchc("query", "-", "--home", home, "--format", "csv", input="select count(*) as n\nfrom fct_dossiers")
    assert (ended.returncode, ended.stdout.split()) == (0, ["n", "15"])
    refused = cchc("query", "copy (select 1) to 'x'", "--home", home)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
