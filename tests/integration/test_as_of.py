"""Releases of earlier days stand beside the current one (docs/published-interface.md 1, `cchc nightly --as-of`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance, job, op
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.storage.tags import BACKFILL_ID_TAG

from orchestration.dagster.days import PAST_DAYS, _asked_together
from orchestration.definitions import build_definitions
from orchestration.errors import UsageError
from orchestration.home import Home
from orchestration.ingestion.ingest import IngestionReport
from orchestration.lake.files import LakeFile
from orchestration.night import steps
from orchestration.night.holding import held
from orchestration.night.request import Listener, Request
from orchestration.publishing import releases
from orchestration.settings import Settings, today
from tests.support import nights
from tests.support.published import FILLED_BY_PUBLICATION, tables
from tests.support.warehouse import build_warehouse

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
    past = build_definitions(Settings.load(landing, home)).resolve_job_def(PAST_DAYS)
    assert {str(EARLIER), str(today())} <= set(past.partitions_def.get_partition_keys())
    with DagsterInstance.ephemeral() as instance:
        ended = past.execute_in_process(instance=instance, partition_key=str(EARLIER))
    [made] = ended.get_step_success_events()
    metadata = {
        key: value.value
        for event in ended.all_events if event.is_successful_output
        for key, value in event.event_specific_data.metadata.items()
    }  # fmt: skip
    assert made.step_key == "publish_day" and metadata["is_new"] and metadata["release_id"] == "000002_2023-06-30"
    assert current(home) == first
    build_warehouse(landing, tmp_path / "then", EARLIER).close()
    that_night = tables(tmp_path / "then/warehouse.duckdb")
    beside = tables(home / "releases/000002_2023-06-30/cchc.duckdb")
    assert beside.keys() == that_night.keys()
    assert {name for name in that_night if beside[name] != that_night[name]} == FILLED_BY_PUBLICATION
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
    ended = cchc("nightly", "--landing", landing, "--home", home, "--as-of", nights.AS_OF, "--make-current")
    assert (ended.returncode, ended.stderr) == (0, "") and current(home) == first and len(names(home)) == 2

    # What stands beside, and is damaged, is made anew; here as the current release at once.
    (home / "releases/000002_2023-06-30/manifest.json").unlink()
    assert nightly(landing, home, EARLIER, make_current=True).is_new
    assert current(home) == "000003_2023-06-30"


def test_retention_counts_what_stands_beside_and_keeps_the_current_one(landing_and_home: tuple[Path, Path]) -> None:
    _, home = landing_and_home
    for number in (2, 3):
        (home / f"releases/{number:06d}_2023-06-30").mkdir()
    (home / "releases/2024 my copy").mkdir()
    releases.retire(Home(home), keep=1)
    assert names(home) == ["000001_2023-07-31", "000003_2023-06-30", "2024 my copy"]
    assert releases.next_id(Home(home), EARLIER) == "000004_2023-06-30"


def test_days_asked_for_again_and_nights_push_each_other_not_out(landing_and_home: tuple[Path, Path]) -> None:
    """They go with the last of the nights that they were published after."""
    _, home = landing_and_home

    def after(*published: str) -> list[str]:
        for name in published:
            (home / "releases" / name).mkdir()
            releases.retire(Home(home), keep=2)
        return names(home)[1:]  # the first is current

    beside = ["000004_2023-05-01", "000005_2023-04-01"]
    assert after("000002_2023-08-01", "000003_2023-05-02", *beside) == ["000002_2023-08-01", *beside]
    assert after("000006_2023-08-02") == ["000002_2023-08-01", *beside, "000006_2023-08-02"]
    assert after("000007_2023-08-03") == [*beside, "000006_2023-08-02", "000007_2023-08-03"]
    (home / "current").unlink()
    (home / "current").symlink_to("releases/000007_2023-08-03")
    after("000008_2023-08-04", "000009_2023-08-05", "000010_2023-08-06")
    assert names(home) == ["000007_2023-08-03", "000009_2023-08-05", "000010_2023-08-06"]


def test_a_backfill_keeps_as_many_as_it_asks_for() -> None:
    @op
    def asked(context) -> int:
        return _asked_together(context)

    @job
    def days() -> None:
        asked()

    with DagsterInstance.ephemeral() as instance:
        named = [f"2023-{month:02}-{day:02}" for month in (1, 2) for day in range(1, 29)]
        instance.add_backfill(PartitionBackfill("b", BulkActionStatus.REQUESTED, False, {}, 0.0, partition_names=named))
        found = [
            days.execute_in_process(instance=instance, tags=tags).output_for_node("asked")
            for tags in ({}, {BACKFILL_ID_TAG: "b"})
        ]
    assert found == [0, 56]


def test_a_day_before_the_first_export_says_so(landing_and_home: tuple[Path, Path]) -> None:
    said: list[str] = []
    listener = Listener(announce=lambda stage, text: said.append(f"{stage} {text}"))
    for day in (date(2010, 1, 1), EARLIER):
        with held(nights.asked(None, landing_and_home[1], day), listener) as night:
            steps.known(night, IngestionReport())
    assert said == ["ingest no export is known at the end of 2010-01-01: the release is empty"]
