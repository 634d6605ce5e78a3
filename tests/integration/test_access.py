"""Who may read what, and what a release may do when it is asked: nothing but answer."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from orchestration.errors import UsageError
from orchestration.home import Home
from orchestration.publishing import releases
from orchestration.settings import Settings
from orchestration.sql.engine import CLOSED, limits
from orchestration.warehouse.dbt import target_of
from tests.support.nights import AS_IT_STANDS


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.lstat().st_mode))


def test_readers_need_the_releases_only(home: Path) -> None:
    """A release: folders 0750, files 0440. What is the build's own: its owner alone. To the world: nothing."""
    release = (home / "current").resolve()
    assert {mode(p) for p in [release, *release.rglob("*")] if p.is_dir()} == {"0o750"}
    assert {mode(p) for p in release.rglob("*") if p.is_file()} == {"0o440"}
    private = [home / "warehouse.duckdb", target_of(home), *target_of(home).rglob("*")]
    assert [p for p in private if p.stat().st_mode & 0o077] == []
    assert [p for p in home.rglob("*") if not p.is_symlink() and p.stat().st_mode & 0o007] == []


def test_root_stays_out_of_the_home_of_another_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load(home=tmp_path)
    home = Home.for_writing(settings)
    if os.geteuid() == 0:
        os.chown(tmp_path, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(UsageError, match="root would leave files"):
        Home.for_writing(settings)
    with pytest.raises(UsageError, match="root would leave files"), home.lock():
        pass
    assert Home.for_reading(settings).marks


def test_a_question_reaches_nothing_else(home: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    release = releases.current(Home(home))
    before = sorted(release.path.rglob("*"))
    with releases.open_release(release) as con:
        settings = dict(con.execute("select name, value from duckdb_settings()").fetchall())
        assert {settings[name] for name in [*CLOSED, "enable_external_access"]} == {"false"}
        assert settings["lock_configuration"] == "true"
        for refused in (
            f"from read_csv('{tmp_path}/secret.csv')", f"copy (select 1) to '{tmp_path}/out.csv'", "install httpfs",
            f"attach '{tmp_path}/other.duckdb'", "set enable_external_access = true", "create table marts.mine (a int)",
        ):  # fmt: skip
            with pytest.raises(duckdb.Error):
                con.execute(refused)
        for macro in ("kpis", "rows_behind"):
            [(rows,)] = con.execute(
                f"select count(*) from marts.{macro}(date '2023-01-01', date '2023-06-30', date '2023-06-30')"
            ).fetchall()
            assert rows > 10
    assert sorted(release.path.rglob("*")) == before


def test_questions_keep_to_the_threads_and_memory_granted(home: Path) -> None:
    granted = limits(Settings.load(env={"CCHC_THREADS": "3", "CCHC_MEMORY_LIMIT": "300MiB"}))
    release = releases.require_current(Home(home))
    with releases.open_release(replace(release, limits=granted)) as con:
        told = con.execute("select current_setting('threads'), current_setting('memory_limit')").fetchall()
    assert told == [(3, "300.0 MiB")]


@pytest.mark.parametrize(
    ("step", "limit", "written"),
    [
        ("orchestration.warehouse.dbt.parse", 100_000, "dbt"),
        ("orchestration.night.steps.publish", 100_000, "releases/000002_2023-07-31"),
    ],
)
def test_a_full_disk(step: str, limit: int, written: str, cchc: Callable, landing_and_home: tuple[Path, Path]) -> None:
    """From the moment that the step begins to the moment that it fails, no file may grow beyond the limit. Builds that find
    it so stand in tests/faults."""
    _, home = landing_and_home
    current = (home / "current").resolve()
    (target_of(home) / "manifest.made_of").unlink()  # so that the manifest is written anew
    program = (
        AS_IT_STANDS
        + """
import importlib, resource, sys
from orchestration import cli

module, name = sys.argv[1].rsplit(".", 1)
limit = int(sys.argv[2])
owner = importlib.import_module(module)
whole = getattr(owner, name)
def limited(*arguments, **options):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        return whole(*arguments, **options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
setattr(owner, name, limited)
sys.argv = ["cchc", *sys.argv[3:]]
cli.main()
"""
    )
    ended = cchc(step, limit, "rebuild", "--home", home, program=program)
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.startswith("cchc: the disk is full, or fails, while writing ")
    assert f"{home}/{written}" in ended.stderr
    assert "nothing was published" in ended.stderr and ended.stderr.count("\n") == 1
    assert (home / "current").resolve() == current and [p.name for p in (home / "releases").iterdir()] == [current.name]
