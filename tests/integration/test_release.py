"""A release: complete, consistent, switched in last, kept and retired without disturbing a reader."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.home import Home
from orchestration.publishing import releases
from orchestration.publishing.publish import publish
from orchestration.quality.suites import CheckResult
from orchestration.quality.verdict import Verdict
from orchestration.settings import Settings
from tests.conftest import AS_OF, GOLDEN
from tests.support import nights
from tests.support.published import tables
from tests.support.warehouse import build_warehouse
from tests.support.writers import put

PASSED = Verdict((
    CheckResult(
        check_code="made_up", kind="dbt", suite="made_up", frame="warehouse", expectation="made_up", status="passed",
        severity="error", blocking=True, observed="0 rows", unexpected_count=0, element_count=None, reason="a test",
    ),
))  # fmt: skip


def hashes(home: Path) -> dict[str, str]:
    """The SHA-256 of every published table but the check results: they tell of the files new that night."""
    manifest = json.loads((home / "current" / "manifest.json").read_text("utf-8"))
    return {name: table["sha256"] for name, table in manifest["tables"].items() if name != "dq_check_results"}


def publish_again(home: Path, keep: int = 30) -> releases.Release:
    """Another release of what the home's warehouse holds."""
    night = nights.known(home)
    settings = Settings.load(None, home, {"CCHC_KEEP_RELEASES": str(keep)})
    quality = night.home.root / "quality-of-the-test"
    quality.mkdir(exist_ok=True)
    manifest = json.loads((home / "dbt" / "manifest.json").read_text("utf-8"))
    return publish(night.home, settings, AS_OF, night.files, PASSED, manifest, quality)


# --- what a release holds


def test_the_manifest_tells_what_is_there(home: Path) -> None:
    folder = (home / "current").resolve()
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["release_id"] == folder.name and manifest["as_of"] == "2023-07-31"
    assert manifest["verdict"]["passed"] is True
    tables = {p.stem: p for p in (folder / "parquet").glob("*.parquet")}
    assert set(tables) == set(manifest["tables"])
    for name, path in tables.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == manifest["tables"][name]["sha256"], name
    landed = {p.relative_to(GOLDEN).as_posix(): p for p in GOLDEN.rglob("*") if p.is_file()}
    assert {s["source_file"] for s in manifest["sources"]} == set(landed)
    for source in manifest["sources"]:
        assert source["sha256"] == hashlib.sha256(landed[source["source_file"]].read_bytes()).hexdigest()
        assert source["rows_read"] == source["rows_accepted"] + source["rows_rejected"]
    assert json.loads((folder / "quality" / "verdict.json").read_text("utf-8"))["passed"] is True
    assert (folder / "quality" / "index.html").stat().st_size > 0
    assert not [p for p in folder.rglob("*") if p.is_file() and p.stat().st_mode & 0o222], "nothing can be changed"


def test_parquet_equals_the_tables(home: Path, release: duckdb.DuckDBPyConnection) -> None:
    manifest = json.loads((home / "current" / "manifest.json").read_text("utf-8"))
    tables = release.execute("select schema_name, table_name from duckdb_tables() where not internal").fetchall()
    assert len(tables) == len(manifest["tables"])
    seen = set()
    for schema, table in tables:
        name = table if schema == "marts" else f"{schema}_{table}"
        seen.add(name)
        parquet = f"read_parquet('{home}/current/parquet/{name}.parquet')"
        described = [row[:2] for row in release.execute(f"describe select * from {parquet}").fetchall()]
        assert described == [row[:2] for row in release.execute(f'describe {schema}."{table}"').fetchall()], name
        [(rows, one_way, other_way)] = release.execute(
            f'select (select count(*) from {schema}."{table}"), '
            f'(select count(*) from (from {schema}."{table}" except all from {parquet})), '
            f'(select count(*) from (from {parquet} except all from {schema}."{table}"))'
        ).fetchall()
        assert (rows, one_way, other_way) == (manifest["tables"][name]["rows"], 0, 0), name
    assert seen == set(manifest["tables"])


def test_every_table_and_column_says_what_it_means(release: duckdb.DuckDBPyConnection) -> None:
    silent = release.execute(
        "select table_name from duckdb_tables() where coalesce(comment, '') = '' "
        "union all select table_name || '.' || column_name from duckdb_columns() "
        "where not internal and coalesce(comment, '') = ''"
    ).fetchall()
    assert silent == []
    undescribed = release.execute(
        "select table_name, column_name from duckdb_columns() as held where not internal and not exists ("
        "select 1 from marts.data_dictionary as told "
        "where told.column_name = held.column_name and contains(told.table_name, held.table_name))"
    ).fetchall()
    assert undescribed == []


def test_older_clients_can_open_it(home: Path, release: duckdb.DuckDBPyConnection) -> None:
    """A file of DuckDB 1.2's storage (version 65); tried by hand with clients 1.2.2 and 1.4.4."""
    [(tags,)] = release.execute("select tags from duckdb_databases() where database_name = 'cchc'").fetchall()
    assert tags["storage_version"].startswith("v1.2.0")
    header = (home / "current" / "cchc.duckdb").read_bytes()[:20]
    assert header[8:12] == b"DUCK" and int.from_bytes(header[12:20], "little") == 65


def test_the_release_answers_by_itself(home: Path, tmp_path: Path) -> None:
    """The macros need nothing but the file, wherever it lies and whatever it is called."""
    shutil.copyfile(home / "current" / "cchc.duckdb", tmp_path / "bản sao.duckdb")
    with duckdb.connect(str(tmp_path / "bản sao.duckdb"), read_only=True) as con:
        [(received,)] = con.execute(
            "select numerator from marts.kpis(date '2023-01-01', date '2023-06-30', date '2023-06-30') "
            "where kpi_code = 'dossiers_received' and scope_type = 'province'"
        ).fetchall()
        rows = con.execute(
            "select * from marts.rows_behind(date '2023-01-01', date '2023-06-30', date '2023-06-30') "
            "where kpi_code = 'dossiers_received'"
        ).fetchall()
    assert received == len(rows) == 10


# --- how it is switched in, kept and retired


def test_whatever_breaks_before_the_switch_leaves_the_last_release(
    landing_and_home: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, home = landing_and_home
    before, was = (home / "current").resolve(), hashes(home)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("the power went")

    for step in ("write_tables", "write_text", "sync", "rename", "replace"):
        with monkeypatch.context() as broken:
            target = os if step in ("rename", "replace") else "orchestration.publishing.publish"
            broken.setattr(*([target, step] if target is os else [f"{target}.{step}"]), fail)
            with pytest.raises(OSError, match="the power went"):
                publish_again(home)
        assert (home / "current").resolve() == before and hashes(home) == was, step
    after = publish_again(home)
    assert (home / "current").resolve() == after.path
    assert hashes(home) == was
    assert not list((home / "releases").glob(".*"))


def test_retention_keeps_the_last_and_disturbs_no_reader(landing_and_home: tuple[Path, Path]) -> None:
    _, home = landing_and_home
    first = (home / "current").resolve()
    reader = duckdb.connect(str(home / "current" / "cchc.duckdb"), read_only=True)
    [(known,)] = reader.execute("select count(*) from marts.fct_dossiers").fetchall()
    made = [publish_again(home, keep=2).path.name for _ in range(2)]
    assert sorted(p.name for p in (home / "releases").iterdir()) == made
    assert (home / "current").resolve().name == made[-1] and not first.exists()
    assert reader.execute("select count(*) from marts.fct_dossier_versions").fetchone() > (known,)
    figures = "select count(*) from marts.kpis(date '2023-01-01', date '2023-06-30', date '2023-06-30')"
    assert reader.execute(figures).fetchone() > (25,)
    reader.close()


def test_retention_never_takes_the_current_release(landing_and_home: tuple[Path, Path]) -> None:
    _, home = landing_and_home
    current = (home / "current").resolve()
    for number in (7, 8, 9):
        (home / "releases" / f"{number:06d}_2023-07-31").mkdir()
    releases.retire(Home(home), keep=1)
    assert sorted(p.name for p in (home / "releases").iterdir()) == [current.name, "000009_2023-07-31"]


# --- the same landing, however it arrives


def test_files_in_any_order_over_several_nights(home: Path, tmp_path: Path) -> None:
    """Late, early, again and again: the marts come out as from one night."""
    files = sorted(p.relative_to(GOLDEN) for p in GOLDEN.rglob("*") if p.is_file())
    random.Random(5).shuffle(files)
    landing, mine = tmp_path / "landing", tmp_path / "home"
    for number, file in enumerate(files):
        put(landing / file, (GOLDEN / file).read_bytes())
        if number % 4 == 3:
            (landing / files[0]).touch()
            nights.ingested(landing, mine)
    build_warehouse(landing, mine, AS_OF).close()
    assert tables(mine / "warehouse.duckdb") == tables(home / "warehouse.duckdb")


def test_what_changes_in_landing(nightly, landing_and_home: tuple[Path, Path]) -> None:
    landing, home = landing_and_home
    was = hashes(home)

    def known() -> set[str]:
        with duckdb.connect(str(home / "current" / "cchc.duckdb"), read_only=True) as con:
            return {c for (c,) in con.execute("select dossier_code from marts.fct_dossiers").fetchall()}

    # Stamped after the as-of day: read into the lake, seen nowhere.
    future = landing / "dossiers" / "hoso_20230802.csv"
    put(future, (landing / "dossiers" / "hoso_20230630_2300.csv").read_bytes().replace(b"-0014", b"-7777"))
    # Removed from landing: stays known.
    (landing / "dossiers" / "hoso_20230310_2300.csv").unlink()
    night = nightly(landing, home)
    assert [f.source_file for f in night.report.written] == ["dossiers/hoso_20230802.csv"]
    assert not night.is_new and hashes(home) == was

    # The same name with other bytes: the former file is gone wholly, its rejections too.
    replaced = landing / "dossiers" / "hoso_20230630_2300.csv"
    lines = replaced.read_text("utf-8").splitlines()
    replaced.write_text("\n".join([lines[0], *(line for line in lines if "-0012" in line)]), "utf-8")
    nightly(landing, home)
    assert {c[-4:] for c in known()} == {f"{n:04d}" for n in (*range(1, 13), 15)}
    with duckdb.connect(str(home / "current" / "cchc.duckdb"), read_only=True) as con:
        assert con.execute("select * from marts.dq_rejected_rows").fetchall() == []
        assert con.execute(
            "select status_code, is_deleted from marts.fct_dossier_versions where dossier_code like '%-0010'"
        ).fetchall() == [(4, False)]

    nightly(landing, home, date(2023, 8, 2))
    assert "7777" in {c[-4:] for c in known()}


def test_the_star_counts_what_the_figures_count(release: duckdb.DuckDBPyConnection) -> None:
    """Dossiers received by level and month, met by key alone: those without a valid entry are the unknown member's."""
    star = release.execute(
        "select coalesce(agency.level, 'unknown'), dates.month_start, count(*) from marts.fct_dossiers as dossiers "
        "inner join marts.dim_agency as agency on dossiers.agency_key = agency.agency_key "
        "inner join marts.dim_date as dates on dossiers.received_date = dates.date_day "
        "where dossiers.bucket <> 'not_counted' group by all order by all"
    ).fetchall()
    figures = release.execute(
        "select scope_code, period_start, numerator from marts.kpi_values where kpi_code = 'dossiers_received' "
        "and scope_type = 'level' and period_type = 'month' and numerator > 0 order by all"
    ).fetchall()
    assert star
    assert star == figures
