"""What people are told at the end of runs: once a cause, by whoever started it, and never at the cost of the night."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dagster import DagsterInstance, EventLogEntry, RunConfig

from orchestration import runner
from orchestration.alerts import MEMORY, tell
from orchestration.dagster.assets import NightConfig
from orchestration.dagster.event_log import NightEventLog
from orchestration.definitions import NIGHTLY, build_definitions
from orchestration.errors import CchcError, DiskFull, LandingAway, PublicationBlocked, full_disk
from orchestration.home import LAST_RUN, Home
from orchestration.night.holding import held, require_landing
from orchestration.night.request import Request
from orchestration.publishing import releases
from orchestration.quality import reviewed
from orchestration.settings import Settings
from orchestration.warehouse import registration
from tests.conftest import AS_OF, KEY
from tests.support.servers import closed_port, web_server
from tests.support.writers import csv_bytes, put


class Told:
    """A copy of the golden home whose alerts go into a file."""

    def __init__(self, landing: Path, home: Path, folder: Path):
        self.landing, self.home, self.file = landing, home, folder / "alerts.jsonl"
        self.env = {"CCHC_PSEUDONYM_KEY": KEY, "CCHC_ALERT_FILE": str(self.file)}
        self.seen = 0

    @property
    def settings(self) -> Settings:
        return Settings.load(self.landing, self.home, self.env)

    def news(self) -> dict[str, dict[str, Any]]:
        """By kind, the alerts that came since it was asked last; each kind at most once."""
        lines = self.file.read_text("utf-8").splitlines() if self.file.exists() else []
        found = [json.loads(line) for line in lines[self.seen :]]
        self.seen = len(lines)
        assert len({one["kind"] for one in found}) == len(found)
        return {one["kind"]: one for one in found}

    @property
    def last_run(self) -> dict[str, Any]:
        return json.loads((self.home / LAST_RUN).read_text("utf-8"))

    def ended(self, **said: Any) -> dict[str, dict[str, Any]]:
        """What is told of the home's last run, had it ended as is said."""
        assert not tell(Home(self.home), self.settings, self.last_run | said)
        return self.news()


@pytest.fixture
def told(landing_and_home: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    monkeypatch.chdir(tmp_path)
    yield Told(*landing_and_home, tmp_path)


def test_a_good_night_tells_of_late_sources_and_once_a_week_that_all_is_well(told: Told, nightly) -> None:
    nightly(told.landing, told.home, AS_OF, env=told.env)
    news = told.news()
    assert set(news) == {"late", "well"}
    dossiers = [line for line in news["late"]["lines"] if "(dossiers)" in line]
    assert dossiers[0].startswith("Hồ sơ thủ tục hành chính (dossiers): trễ 6 ngày làm việc, bản mới nhất 20/07/2023")
    assert news["well"]["release_id"] == "000001_2023-07-31" and "1 lần công bố" in news["well"]["lines"]
    assert news["well"]["lines"][-1].startswith("Đang trễ: dossiers")
    nightly(told.landing, told.home, AS_OF, env=told.env)
    assert told.news() == {} and "alerts" not in told.last_run
    week = "2023-08-07T18:00:00.000+00:00"
    assert set(told.ended(ended_at=week)) == {"well"}


def test_dagster_s_runs_tell_too(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in told.env.items():
        monkeypatch.setenv(name, value)
    job = build_definitions(told.settings).resolve_job_def(NIGHTLY)
    with DagsterInstance.ephemeral() as instance:
        config = RunConfig(ops={"night": NightConfig(as_of=str(AS_OF), is_watched=True)})
        assert job.execute_in_process(instance=instance, run_config=config).success
        assert set(told.news()) == {"late", "well"}
        told.landing.rename(told.landing.with_name("away"))
        ended = job.execute_in_process(instance=instance, run_config=config, raise_on_error=False)
    assert not ended.success and "does not exist" in told.news()["failed"]["lines"][0]


def test_a_source_that_is_overdue_blocks_and_a_dead_channel_costs_nothing(
    told: Told, nightly, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the file of rhythms says so: dossiers, six working days late, block after five."""
    shipped = reviewed.load_rhythms()
    blocking = shipped.sources | {"dossiers": shipped.sources["dossiers"].model_copy(update={"blocks_after": 5})}
    monkeypatch.setattr(registration, "load_rhythms", lambda: shipped.model_copy(update={"sources": blocking}))
    env = told.env | {"CCHC_ALERT_WEBHOOK_URL": f"http://localhost:{closed_port()}/?token=s3cret"}
    with pytest.raises(
        PublicationBlocked, match=r"no_source_overdue \(1 of 21 rows: dossiers 2023-07-20\): have the overdue"
    ):
        nightly(told.landing, told.home, AS_OF, env=env, must_build=True)
    news = told.news()
    assert set(news) == {"blocked", "late"}
    assert "Không nguồn nào trễ đến mức phải chặn công bố" in news["blocked"]["lines"][0]
    assert any("trễ đến mức chặn công bố 6 ngày làm việc" in line for line in news["late"]["lines"])
    run = told.last_run
    assert run["outcome"] == "blocked" and run["alerts"] == [
        f"alert {kind} by webhook: Connection refused" for kind in ("blocked", "late")
    ]
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("cchc: alert")]
    assert len(lines) == 1 and "s3cret" not in lines[0]
    with web_server() as server:  # what did not arrive is sent after the next run, what did is not
        settings = Settings.load(told.landing, told.home, told.env | {"CCHC_ALERT_WEBHOOK_URL": server.url})
        assert not tell(Home(told.home), settings, told.last_run)
    assert [one["kind"] for one in server.given] == ["blocked", "late"] and told.news() == {}


def test_a_failed_run_is_told_once_until_it_fails_otherwise(told: Told, nightly) -> None:
    register = told.home / "lake/_register.jsonl"
    whole = register.read_bytes()
    register.write_text("not a register\n")
    for times in (1, 0):
        with pytest.raises(CchcError, match="_register"):
            nightly(told.landing, told.home, AS_OF, env=told.env)
        assert len(told.news()) == times and told.last_run["outcome"] == "failed"
    assert set(told.ended(message="the share of 079123456789 went away")) == {"failed"}
    assert "079123456789" not in told.file.read_text("utf-8") + (told.home / MEMORY).read_text("utf-8")
    register.write_bytes(whole)
    nightly(told.landing, told.home, AS_OF, env=told.env)
    assert set(told.news()) == {"late", "well"}
    assert set(told.ended(outcome="failed", message="the share went away")) == {"failed"}, "it is gone and came back"


def test_a_run_that_tries_again_tells_of_its_last_try_alone(told: Told) -> None:
    """And at once of a run that was killed before it."""
    (told.home / LAST_RUN).write_text(json.dumps(told.last_run | {"outcome": "running"}))
    for tries_again, kinds in ((True, {"killed"}), (True, set()), (False, {"failed"})):
        with pytest.raises(DiskFull), held(Request(told.settings, AS_OF, tries_again=tries_again)):
            raise full_disk(told.home)
        assert set(told.news()) == kinds
    told.landing.rename(told.landing.with_name("away"))
    for tries_again, kinds in ((True, set()), (False, {"failed"})):
        with pytest.raises(LandingAway):
            require_landing(told.settings, tries_again)
        assert set(told.news()) == kinds


def test_a_run_that_may_not_begin_is_told(told: Told, nightly) -> None:
    before = told.last_run
    (told.home / "audit.jsonl").write_text("not a trail\n")
    for times in (1, 0):
        with pytest.raises(CchcError, match="audit"):
            nightly(told.landing, told.home, AS_OF, env=told.env)
        assert len(told.news()) == times and told.last_run == before


def test_a_killed_run_is_told_by_the_next(told: Told, nightly) -> None:
    (told.home / LAST_RUN).write_text(
        json.dumps(told.last_run | {"outcome": "running", "started_at": "2023-07-31T18:00:00+00:00"})
    )
    nightly(told.landing, told.home, AS_OF, env=told.env)
    assert told.news()["killed"]["lines"] == ["01/08/2023 01:00"]


def test_what_blocks_is_told_again_when_another_check_or_file_does(told: Told) -> None:
    """Not when the counts that a check observed grow with each night's files."""
    verdict = told.home / "work/quality/verdict.json"
    verdict.parent.mkdir(parents=True, exist_ok=True)

    def blocked_by(*checks: str, observed: str) -> dict[str, dict[str, Any]]:
        rows = [
            {"check_code": c, "kind": "great_expectations", "suite": c.split(".")[0], "status": "failed",
             "is_blocking": True, "observed": observed, "reason": "x"}
            for c in checks
        ]  # fmt: skip
        verdict.write_text(json.dumps({"checks": rows}))
        return told.ended(outcome="blocked", message=f"publication is blocked by {observed}", release_id=None)

    first = blocked_by("landing_batch.few_rejected", observed="1 of 7 rows: dossiers/x.csv")
    assert "1 trong 7 dòng: dossiers/x.csv" in first["blocked"]["lines"][0]
    assert "blocked" not in blocked_by("landing_batch.few_rejected", observed="1 of 9 rows: dossiers/x.csv")
    two = blocked_by("landing_batch.few_rejected", "reconciliation.difference_is_zero", observed="1 of 9 rows")
    assert len(two["blocked"]["lines"]) == 2
    assert "blocked" not in blocked_by("landing_batch.few_rejected", observed="1 of 9 rows")


def test_a_restated_period_is_told_by_period_and_kpi(told: Told) -> None:
    release = releases.current(Home(told.home))
    assert release
    manifest = release.path / releases.MANIFEST
    for path, mode in ((release.path, 0o750), (release.database, 0o640), (manifest, 0o640)):
        path.chmod(mode)

    def restated(month: int, kpi: str) -> dict[str, dict[str, Any]]:
        with duckdb.connect(str(release.database)) as con:
            con.execute(
                "insert into marts.restated_kpis by name select ? as kpi_code, 'province' as scope_type, "
                "'all' as scope_code, 'month' as period_type, make_date(2023, ?, 1) as period_start, "
                "make_date(2023, ?, 28) as period_end, 'x' as first_release_id, date '2023-06-30' as first_as_of",
                [kpi, month, month],
            )
        said = json.loads(manifest.read_text("utf-8"))
        said["files"][releases.DATABASE]["bytes"] = release.database.stat().st_size
        manifest.write_text(json.dumps(said))
        return told.ended()

    assert "restated" not in told.ended()
    assert restated(5, "dossiers_resolved")["restated"]["lines"] == ["tháng 05/2023: 1 chỉ tiêu"]
    assert "restated" not in restated(5, "dossiers_resolved")
    news = restated(5, "on_time_rate")["restated"]
    assert news["lines"] == ["tháng 05/2023: 2 chỉ tiêu"]
    assert restated(4, "on_time_rate")["restated"]["subject"] == "[CCHC] Số liệu của 2 kỳ đã báo cáo nay thay đổi"


def test_a_release_beside_the_current_one_tells_nothing_of_its_own_day(told: Told) -> None:
    assert told.ended(release_id="000000_2023-01-31", as_of="2023-01-31") == {}
    assert set(told.ended(outcome="blocked", as_of="2023-01-31", release_id=None, message="x")) == {"blocked"}


def test_the_command_tries_channels_out_and_tells_of_a_landing_that_is_away(
    told: Told, cchc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CCHC_ALERT_FILE", str(told.file))
    tried = cchc("alerts", "--test")
    assert (tried.returncode, tried.stdout) == (0, "well  file      sent\n")
    assert set(told.news()) == {"test"}
    before = told.last_run
    for times in (1, 0):
        away = cchc("nightly", "--landing", told.landing.with_name("away"), "--home", told.home)
        assert away.returncode == 2 and "does not exist" in away.stderr
        assert len(told.news()) == times
    assert told.last_run == before
    told.file.unlink()
    told.file.mkdir()
    tried = cchc("alerts", "--test")
    assert tried.returncode == 1 and tried.stdout.startswith("ails  file")


def test_where_dagster_s_storage_is_full_the_night_ends_and_is_told(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There and then: it is left between two steps, and would hold the home for as long as what was raised is kept."""
    monkeypatch.setattr(os, "environ", os.environ | told.env)
    grid = [["Mã hồ sơ", "Mã TTHC", "Trạng thái"], ["H99.01-230721-1", "1.000001", "4"]]
    put(told.landing / "dossiers/moi_20230722.csv", csv_bytes(grid, ";", "utf-8"))
    keeps = NightEventLog.store_event

    def full(self: NightEventLog, event: EventLogEntry) -> None:
        if event.is_dagster_event and event.get_dagster_event().is_step_materialization:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        keeps(self, event)

    monkeypatch.setattr(NightEventLog, "store_event", full)
    with pytest.raises(DiskFull) as raised:
        runner.run(Request(told.settings, AS_OF))
    assert not Home(told.home).is_held() and str(told.home / "dagster") in str(raised.value)
    assert told.last_run["outcome"] == "failed" and set(told.news()) == {"failed"}


def test_as_the_process_ends_nobody_is_told(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread starts any more, and waiting for one would never end: the next run tells."""
    monkeypatch.setattr(sys, "is_finalizing", lambda: True)
    with pytest.raises(ZeroDivisionError), held(Request(told.settings, AS_OF)):
        raise ZeroDivisionError
    assert told.news() == {} and told.last_run["outcome"] == "failed"
