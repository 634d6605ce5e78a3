"""What a night takes away at its end: old replaced content, old runs; and never what something kept was made from."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance, job, op

from orchestration.audit import Audit
from orchestration.dagster.retention import forget_runs
from orchestration.home import Home
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.night.tidying import tidy
from tests.support import nights
from tests.support.writers import csv_bytes, put

HEAD = ["Mã hồ sơ", "Mã TTHC", "Trạng thái", "Ngày tiếp nhận"]
NAME = "dossiers/hoso_20230310_2300.csv"  # the release counts its golden content


@pytest.fixture
def tidied(landing_and_home: tuple[Path, Path]) -> Callable[..., tuple[list[str], list[str]]]:
    """The content of one name replaced twice, and the end of a night so many days later: (set aside before, after)."""
    landing, home = landing_and_home
    for rows in (40, 41):
        named = [[f"H99.01-230301-R{n:03}", "1.000001", "4", "01/03/2023"] for n in range(rows)]
        put(landing / NAME, csv_bytes([HEAD, *named], ";", "utf-8"))
        nights.ingested(landing, home)

    def aside() -> list[str]:
        return sorted(p.name for p in (home / "lake/_replaced").rglob("*.parquet"))

    def run(days: int) -> tuple[list[str], list[str]]:
        before = aside()
        for path in (home / "lake/_replaced").rglob("*.parquet"):
            os.utime(path, (time.time() - 86_400 * days,) * 2)
        with held(nights.asked(landing, home)) as night:
            tidy(night)
        return before, aside()

    return run


def test_old_replaced_content_goes_but_what_the_release_counts(
    tidied: Callable[..., tuple[list[str], list[str]]], home: Path, landing_and_home: tuple[Path, Path]
) -> None:
    before, after = tidied(364)
    assert len(before) == 2 and after == before, "not a year old"
    before, after = tidied(366)
    counted = {path.name for path in (home / "lake/dossiers").iterdir()}
    assert len(after) == 1 and set(after) == set(before) & counted
    [removed] = [e for e in Audit(Home(landing_and_home[1])).entries if e["event"] == "removed"]
    assert removed["what"] == "1 lake files of content replaced more than 365 days ago"


def test_what_a_pack_was_made_from_stays(
    tidied: Callable[..., tuple[list[str], list[str]]], landing_and_home: tuple[Path, Path]
) -> None:
    home = landing_and_home[1]
    pack = home / "submissions" / "PAR-2023"
    pack.mkdir(parents=True)
    every = [json.loads(line)["file"] for line in (home / "lake/_register.jsonl").read_text().splitlines()]
    said = [{k: f[k] for k in ("source", "source_file", "sha256")} for f in every if f and f["source_file"] == NAME]
    assert len({s["sha256"] for s in said}) == 3
    (pack / "manifest.json").write_text(json.dumps({"sources": said}))
    before, after = tidied(1000)
    assert len(after) == 2 and after == before


def test_while_a_manifest_cannot_be_read_nothing_goes(
    tidied: Callable[..., tuple[list[str], list[str]]], landing_and_home: tuple[Path, Path]
) -> None:
    pack = landing_and_home[1] / "submissions" / "PAR-2023"
    pack.mkdir(parents=True)
    (pack / "manifest.json").write_text("torn")
    before, after = tidied(1000)
    assert len(after) == 2 and after == before


def test_old_runs_go_with_their_files_but_the_last_to_make_an_asset(
    landing_and_home: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = landing_and_home[1]
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))

    @op
    def nothing() -> None: ...

    @job
    def idle() -> None:
        nothing()

    with DagsterInstance.get() as instance:
        night = {run.run_id for run in instance.get_runs()}
        idled = {idle.execute_in_process(instance=instance).run_id for _ in range(2)}
        kept = {path.stem for path in (home / "dagster/history/runs").glob("*.db")}
        assert night and night | idled <= kept
        assert forget_runs(instance, days=1) == []
        assert set(forget_runs(instance, days=0)) == idled
        assert {run.run_id for run in instance.get_runs()} == night
        assert instance.get_latest_materialization_event(AssetKey("release"))
        left = {path.name.partition(".")[0] for path in (home / "dagster/history/runs").iterdir()}
        assert left >= night and not left & idled


def test_a_night_ends_with_it(landing_and_home: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    landing, home = landing_and_home
    ended = []
    monkeypatch.setattr(steps, "tidy", lambda night: ended.append(night.home.last_run["outcome"]))
    nights.whole(nights.asked(landing, home))
    assert ended == ["nothing new"]
