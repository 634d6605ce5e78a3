"""Releases of earlier days stand beside the current one (docs/published-interface.md 1, `cchc nightly --as-of`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance

from orchestration.dagster.days import PAST_DAYS
from orchestration.definitions import build_definitions
from orchestration.errors import UsageError
from orchestration.home import Home
from orchestration.lake.files import LakeFile
from orchestration.night.request import Request
from orchestration.publishing import releases
from orchestration.settings import Settings, today
from tests.support.published import tables

pytestmark = pytest.mark.slow

EARLIER = date(2023, 6, 30)


def names(home: Path) -> list[str]:
    return sorted(p.name for p in (home / "releases").iterdir())


def current(home: Path) -> str:
    return (home / "current").resolve().name


@pytest.mark.parametrize("day", ["9999-12-31", str(today() + timedelta(days=2))])
def test_a_day_to_come_is_wrong_usage(day: str, cchc: Callable, tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    ended = cchc("nightly", "--landing", tmp_path / "landing", "--home", tmp_path / "home", "--as-of", day)
    assert (ended.returncode, ended.stdout) == (2, "") and not (tmp_path / "home").exists()
    assert ended.stderr.startswith("cchc: --as-of") and ended.stderr.count("\n") == 1
    with pytest.raises(UsageError):
        Request(Settings.load(tmp_path / "landing", tmp_path / "home"), date.max)


def test_the_last_day_there_is() -> None:
    file = LakeFile("dossiers", "a.csv", "0", datetime(9999, 12, 31, 23), "accepted")
    assert file.is_known(date.max)


def test_an_earlier_day_is_published_beside_or_made_current(
    nightly: Callable, landing_and_home: tuple[Path, Path], ask: Callable, cchc: Callable, tmp_path: Path
) -> None:
    """The first by Dagster, where a day is a partition of its own; it says what that day's night would have said."""
    landing, home = landing_and_home
    first = current(home)
    job = build_definitions(Settings.load(landing, home)).resolve_job_def(PAST_DAYS)
    assert {str(EARLIER), str(today())} <= set(job.partitions_def.get_partition_keys())
    with DagsterInstance.ephemeral() as instance:
        ended = job.execute_in_process(instance=instance, partition_key=str(EARLIER))
    [made] = ended.get_step_success_events()
    metadata = {
        key: value.value
        for event in ended.all_events if event.is_successful_output
        for key, value in event.event_specific_data.metadata.items()
    }  # fmt: skip
    assert made.step_key == "publish_day" and metadata["is_new"] and metadata["release_id"] == "000002_2023-06-30"
    assert current(home) == first
    that_night = tables(nightly(landing, tmp_path / "then", EARLIER).release.database)
    beside = tables(home / "releases/000002_2023-06-30/cchc.duckdb")
    of_the_run = {"marts.dq_check_history", "marts.dq_check_results"}
    assert {name for name in that_night if beside[name] != that_night[name]} <= of_the_run
    assert names(home) == [first, "000002_2023-06-30"]
    told = ask("status", "--home", home)
    assert f"{first} as of 2023-07-31  <- current" in told and "000002_2023-06-30 as of 2023-06-30\n" in told

    again = nightly(landing, home, EARLIER)
    assert not again.is_new and again.release.release_id == "000002_2023-06-30" and len(names(home)) == 2

    switched = nightly(landing, home, EARLIER, make_current=True)
    assert not switched.is_new and current(home) == "000002_2023-06-30" and len(names(home)) == 2
    assert (
        json.loads(ask("kpi", "--home", home, "--kpi", "dossiers_received", "--format", "json"))[0]["as_of"]
        == "2023-06-30"
    )

    # The day of the former release comes after the current one's again: that release stands, and is made current.
    later = nightly(landing, home, make_current=True)
    assert not later.is_new and current(home) == first

    # What stands beside, and is damaged, is made anew; here as the current release at once.
    (home / "releases/000002_2023-06-30/manifest.json").unlink()
    ended = cchc("nightly", "--landing", landing, "--home", home, "--as-of", EARLIER, "--make-current")
    assert ended.returncode == 0, ended.stderr
    assert current(home) == "000003_2023-06-30"


def test_retention_counts_what_stands_beside_and_keeps_the_current_one(landing_and_home: tuple[Path, Path]) -> None:
    _, home = landing_and_home
    for number in (2, 3):
        (home / f"releases/{number:06d}_2023-06-30").mkdir()
    (home / "releases/2024 my copy").mkdir()
    releases.retire(Home(home), keep=1)
    assert names(home) == ["000001_2023-07-31", "000003_2023-06-30", "2024 my copy"]
    assert releases.next_id(Home(home), EARLIER) == "000004_2023-06-30"
