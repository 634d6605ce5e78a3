"""A release that is not what its manifest says: told in one line, never called "nothing new", and made anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.home import Home
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.night.request import Listener
from orchestration.publishing import releases
from orchestration.warehouse import dbt
from tests.conftest import AS_OF
from tests.support import nights


def rewrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "manifest missing": lambda release: (release / "manifest.json").unlink(),
    "manifest garbage": lambda release: rewrite(release / "manifest.json", b"\x00{"),
    "manifest of another shape": lambda release: rewrite(release / "manifest.json", b'{"release_id": "1"}'),
    "manifest a list": lambda release: rewrite(release / "manifest.json", b"[]"),
    "database truncated": lambda release: rewrite(
        release / "cchc.duckdb", (release / "cchc.duckdb").read_bytes()[:100_000]
    ),
    "database missing": lambda release: (release / "cchc.duckdb").unlink(),
    "release gone": shutil.rmtree,
}
UNSEEN_BY_QUESTIONS: dict[str, Callable[[Path], object]] = {
    "one byte of the database": lambda release: rewrite(
        release / "cchc.duckdb", (release / "cchc.duckdb").read_bytes()[:-1] + b"\x01"
    ),
    "a Parquet file differs": lambda release: rewrite(
        release / "parquet/fct_dossiers.parquet", (release / "parquet/dim_date.parquet").read_bytes()
    ),
    "a page is missing": lambda release: (release / "quality/index.html").unlink(),
}


def test_the_manifest_has_a_sum_of_every_file(home: Path) -> None:
    release = releases.current(Home(home))
    files = {p.relative_to(release.path).as_posix(): p for p in release.path.rglob("*") if p.is_file()}
    assert set(release.manifest["files"]) == set(files) - {"manifest.json"}
    assert {name: one["bytes"] for name, one in release.manifest["files"].items()} == {
        name: path.stat().st_size for name, path in files.items() if name != "manifest.json"
    }
    assert releases.damage(release) is None


@pytest.mark.parametrize("damage", DAMAGES)
def test_questions_end_with_one_line(damage: str, cchc: Callable, landing_and_home: tuple[Path, Path]) -> None:
    _, home = landing_and_home
    DAMAGES[damage]((home / "current").resolve())
    ended = cchc("kpi", "--home", home)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("cchc: the release ") and ended.stderr.count("\n") == 1
    assert str(home) in ended.stderr and "cchc nightly" in ended.stderr
    told = cchc("status", "--home", home)
    assert (told.returncode, told.stderr) == (0, "")
    assert f"damaged   the release {home}" in told.stdout


@pytest.mark.parametrize("damage", [*DAMAGES, *UNSEEN_BY_QUESTIONS])
def test_it_is_never_called_nothing_new(damage: str, landing_and_home: tuple[Path, Path]) -> None:
    landing, home = landing_and_home
    (DAMAGES | UNSEEN_BY_QUESTIONS)[damage]((home / "current").resolve())
    said: list[str] = []
    listener = Listener(announce=lambda stage, text: said.append(text))
    with held(nights.asked(landing, home), listener) as night:
        assert steps.standing_release(night, steps.ingest(night)) is None
    assert [line for line in said if "damaged" in line and str(home) in line]


def test_a_night_makes_it_anew(nightly: Callable, landing_and_home: tuple[Path, Path]) -> None:
    """Where there is not even a manifest that could be read; of all other damage it is known above that a night builds."""
    landing, home = landing_and_home
    was = json.loads((home / "current/manifest.json").read_text("utf-8"))["tables"]
    DAMAGES["release gone"]((home / "current").resolve())
    night = nightly(landing, home)
    assert night.is_new
    assert (home / "current").resolve() == night.release.path != home / "releases/000001_2023-07-31"
    now = night.release.manifest["tables"]
    assert {n: t for n, t in now.items() if n != "dq_check_results"} == {
        n: t for n, t in was.items() if n != "dq_check_results"
    }
    assert not nightly(landing, home).is_new


def test_a_rebuild_over_a_damaged_release(cchc: Callable, landing_and_home: tuple[Path, Path]) -> None:
    """The day comes from the folder's name; what else is damaged does not matter: all is built from the lake."""
    _, home = landing_and_home
    DAMAGES["manifest garbage"]((home / "current").resolve())
    folder(home / "warehouse.duckdb")
    for path in (home / "dbt").glob("*.*"):
        path.write_bytes(b"\xff\x00garbage")
    ended = cchc("rebuild", "--home", home)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    assert f"{home}/warehouse.duckdb could not be read: it is made anew" in ended.stdout
    assert json.loads((home / "current/manifest.json").read_text("utf-8"))["as_of"] == str(AS_OF)
    assert (home / "current").resolve().name == "000002_2023-07-31"


def garbage(warehouse: Path) -> None:
    warehouse.write_bytes(b"not a database" * 9000)
    warehouse.with_name("warehouse.duckdb.wal").write_bytes(b"nor a log" * 50)


def truncated(warehouse: Path) -> None:
    warehouse.write_bytes(warehouse.read_bytes()[:300_000])


def folder(warehouse: Path) -> None:
    warehouse.unlink()
    warehouse.mkdir()
    (warehouse / "x").touch()


@pytest.mark.parametrize("broken", [garbage, truncated, folder])
def test_a_broken_warehouse_is_made_anew(broken: Callable[[Path], None], home: Path, tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    for breaks in (lambda _: None, broken):
        shutil.copy(home / "warehouse.duckdb", warehouse)
        breaks(warehouse)
        assert dbt.discard(warehouse) is (breaks is broken)
    with duckdb.connect(str(warehouse)) as con:
        assert con.execute("select count(*) from duckdb_tables()").fetchall() == [(0,)]
