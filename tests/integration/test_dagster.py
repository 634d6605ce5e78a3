"""What Dagster shows: lineage from landing to release, checks, the nightly job and its hour, the command's own run."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    RunConfig,
    job,
)
from dagster._core.events import RunFailureReason
from dagster._core.execution.retries import auto_reexecution_should_retry_run
from dagster._daemon.auto_run_reexecution.auto_run_reexecution import should_retry
from dagster._daemon.monitoring.run_monitoring import monitor_started_run

from orchestration.dagster.assets import NightConfig
from orchestration.dagster.liveness import _held, close_dead_runs, show_alive
from orchestration.definitions import NIGHTLY, build_definitions
from orchestration.errors import HomeBusy
from orchestration.home import Home
from orchestration.runner import prepare_storage
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.sources import all_sources
from tests.conftest import AS_OF


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Definitions:
    folder = tmp_path_factory.mktemp("definitions")
    return build_definitions(Settings.load(folder / "landing", folder / "home"))


@pytest.fixture(scope="module")
def graph(definitions: Definitions):
    return definitions.resolve_asset_graph()


def ancestors(graph, key: AssetKey) -> set[AssetKey]:
    found: set[AssetKey] = set()
    rest = [key]
    while rest:
        for parent in graph.get(rest.pop()).parent_keys:
            if parent not in found:
                found.add(parent)
                rest.append(parent)
    return found


def test_every_source_flows_from_landing_into_the_release(graph) -> None:
    upstream = ancestors(graph, AssetKey("release"))
    for source in all_sources().values():
        landing, lake = (AssetKey([place, *source.source.split("/")]) for place in ("landing", "lake"))
        assert {landing, lake} <= upstream, source.source
        assert graph.get(lake).parent_keys == {landing}
        assert not graph.get(landing).is_materializable
    lonely = graph.get_all_asset_keys() - upstream - {AssetKey("release")}
    assert not {key for key in lonely if key.path[0] in ("landing", "lake", "marts", "history", "quality")}


def test_a_source_s_rhythm_is_its_freshness_policy(graph) -> None:
    """Dossiers: due each working day, warned of when more than two late, so in the fourth; five of them make a week."""
    windows = {}
    for source in all_sources():
        policy = graph.get(AssetKey(["lake", *source.split("/")])).freshness_policy
        windows[source] = (policy.warn_window.to_timedelta().days, policy.fail_window.to_timedelta().days)
    assert windows["dossiers"] == (6, 12) and windows["registers/plan_tasks"] == (42, 84)


def test_no_figure_comes_from_a_source_it_does_not_need(graph) -> None:
    upstream = ancestors(graph, AssetKey(["marts", "fct_dossier_versions"]))
    assert AssetKey(["lake", "dossiers"]) in upstream
    assert AssetKey(["lake", "payments"]) not in upstream


def test_checks_stand_on_the_verdict_and_the_marts(graph) -> None:
    by_asset: dict[AssetKey, set[str]] = {}
    for key in graph.asset_check_keys:
        by_asset.setdefault(key.asset_key, set()).add(key.name)
    assert {"passes", "landing_batch", "kpi_frame", "reconciliation"} <= by_asset[AssetKey(["quality", "verdict"])]
    assert sum(key.path[0] in ("marts", "history", "staging", "intermediate") for key in by_asset) >= 3


def test_the_nightly_job_runs_all_at_one_in_the_morning(definitions: Definitions, graph) -> None:
    job = definitions.resolve_job_def(NIGHTLY)
    assert set(job.asset_layer.executable_asset_keys) == graph.materializable_asset_keys
    [schedule] = definitions.schedules
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 1 * * *", "Asia/Ho_Chi_Minh")
    assert schedule.job_name == NIGHTLY


@pytest.fixture
def instance(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    with DagsterInstance.get() as found:
        yield found


def test_the_command_s_run_shows_in_the_storage(instance: DagsterInstance, home: Path) -> None:
    published = min(instance.get_runs(), key=lambda run: instance.get_run_record_by_id(run.run_id).create_timestamp)
    assert published.job_name == NIGHTLY and published.status == DagsterRunStatus.SUCCESS
    event = instance.get_latest_materialization_event(AssetKey("release"))
    manifest = json.loads((home / "current" / "manifest.json").read_text("utf-8"))
    assert event.asset_materialization.metadata["release_id"].value == manifest["release_id"]
    for path in (["lake", "dossiers"], ["quality", "verdict"]):
        assert instance.get_latest_materialization_event(AssetKey(path)), path
    for page, name in (("dashboard", "dashboard"), ("review", "review"), ("quality", "quality")):
        shown = instance.get_latest_materialization_event(AssetKey(["pages", page])).asset_materialization
        assert (
            Path(shown.metadata["page"].value.removeprefix("file://"))
            == (home / "current").resolve() / name / "index.html"
        )
    values = instance.get_latest_materialization_event(AssetKey(["marts", "kpi_values"])).asset_materialization
    assert values.metadata["dagster/row_count"].value == manifest["tables"]["kpi_values"]["rows"]
    checked = {(e.asset_key, e.check_name): e for e in evaluations(instance, published.run_id)}
    assert all(e.passed for key, e in checked.items() if key[0] == AssetKey(["marts", "kpi_values"]))
    assert checked[AssetKey(["quality", "verdict"]), "passes"].passed
    assert (AssetKey(["marts", "kpi_values"]), "dbt_tests") in checked


def evaluations(instance: DagsterInstance, run_id: str) -> list[AssetCheckEvaluation]:
    entries = instance.all_logs(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
    return [entry.dagster_event.asset_check_evaluation_data for entry in entries]


def test_a_run_from_the_page_is_recorded_as_the_command_s(landing_and_home: tuple[Path, Path]) -> None:
    """Whoever starts a run, `cchc status` tells of it: nothing new, published on another day, a wrong day."""
    landing, home = landing_and_home

    def launched(**asked: object) -> tuple[bool, dict]:
        job = build_definitions(Settings.load(landing, home)).resolve_job_def(NIGHTLY)
        config = RunConfig(ops={"night": NightConfig(**asked)})
        with DagsterInstance.ephemeral() as instance:
            ended = job.execute_in_process(instance=instance, run_config=config, raise_on_error=False)
        return ended.success, Home(home).last_run

    before = Home(home).last_run
    ended, run = launched(as_of=str(AS_OF))
    assert ended and run["outcome"] == "nothing new" and run["started_at"] > before["started_at"]
    assert launched(as_of="July") == (False, run), "nothing was touched"
    (home / "pseudonym.key").unlink(missing_ok=True)
    (home / "lake/_register.jsonl").write_text("not a register\n")
    ended, failed = launched(as_of=str(AS_OF))
    assert not ended and failed["outcome"] == "failed" and "_register.jsonl" in failed["message"]


def test_a_part_of_a_night_is_refused_and_touches_nothing(landing_and_home: tuple[Path, Path]) -> None:
    """`release` alone: one line says what is missing. Another run's work folder stays."""
    landing, home = landing_and_home
    last_run = (home / "last_run.json").read_bytes()
    (home / "work" / "of-another-run").write_text("busy")
    assets = build_definitions(Settings.load(landing, home))
    job = assets.resolve_implicit_global_asset_job_def()
    with DagsterInstance.ephemeral() as instance:
        ended = job.execute_in_process(instance=instance, asset_selection=[AssetKey("release")], raise_on_error=False)
        [failure] = [e for e in ended.all_events if e.is_step_failure]
    said = failure.event_specific_data.error_display_string
    assert not ended.success and "UsageError: release comes out of a whole night" in said
    assert "quality/verdict" in said or "lake/" in said
    assert "launch the job nightly" in said
    assert (home / "last_run.json").read_bytes() == last_run and (home / "work" / "of-another-run").exists()


@pytest.mark.parametrize("is_watched", [True, False])
def test_what_passes_by_itself_is_tried_again(
    landing_and_home: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, is_watched: bool
) -> None:
    """A share that is away; at a terminal, it is said at once. People are told once no try is left."""
    landing, home = landing_and_home
    told = landing.with_name("alerts.jsonl")
    monkeypatch.setenv("CCHC_ALERT_FILE", str(told))
    monkeypatch.setattr("orchestration.dagster.patience._BETWEEN_SECONDS", 0)
    landing.rename(landing.with_name("away"))
    job = build_definitions(Settings.load(landing, home)).resolve_job_def(NIGHTLY)
    config = RunConfig(ops={"night": NightConfig(as_of=str(AS_OF), is_watched=is_watched)})
    with DagsterInstance.ephemeral() as instance:
        ended = job.execute_in_process(instance=instance, run_config=config, raise_on_error=False)
        restarts = instance.all_logs(ended.run_id, of_type=DagsterEventType.STEP_RESTARTED)
    tries = [event for event in ended.all_events if event.is_step_up_for_retry]
    assert not ended.success and len(tries) == (0 if is_watched else 3)
    [failure] = [event for event in ended.all_events if event.is_step_failure]
    assert "LandingAway: the landing folder" in failure.event_specific_data.error_display_string
    [alert] = [json.loads(line) for line in told.read_text("utf-8").splitlines()]
    assert alert["kind"] == "failed" and told.stat().st_mtime >= max([e.timestamp for e in restarts], default=0)


def test_a_run_whose_process_died_frees_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a power cut: of two runs that are told to go on, Dagster's monitor ends the one that nobody is."""

    @job
    def idle() -> None: ...

    home = Home.for_writing(Settings.load(tmp_path / "landing", tmp_path / "home"))
    monkeypatch.setattr(os, "environ", os.environ.copy())
    prepare_storage(home)
    with DagsterInstance.get() as instance:
        dead, alive = (instance.create_run_for_job(idle, status=DagsterRunStatus.STARTED).run_id for _ in range(2))
        for run_id in (dead, alive):
            show_alive(instance, run_id)
        os.close(_held.pop(dead))  # as the kernel does

        def monitored() -> dict[str, DagsterRunStatus]:
            for record in instance.get_run_records():
                if record.dagster_run.status == DagsterRunStatus.STARTED:
                    monitor_started_run(instance, None, record, logging.getLogger())
            return {run.run_id: run.status for run in instance.get_runs()}

        assert monitored() == {dead: DagsterRunStatus.FAILURE, alive: DagsterRunStatus.STARTED}
        ended = instance.get_run_by_id(dead)
        assert should_retry(ended, instance), "a night that was killed begins once more"
        assert not auto_reexecution_should_retry_run(instance, ended, RunFailureReason.STEP_FAILURE)
        os.close(_held.pop(alive))
        close_dead_runs(instance)
        assert monitored()[alive] == DagsterRunStatus.FAILURE and not list((home.dagster / "alive").iterdir())


def test_a_run_that_nobody_watches_waits_its_turn(landing_and_home: tuple[Path, Path]) -> None:
    _, home = landing_and_home
    has_it, lets_go = threading.Event(), threading.Event()

    def hold() -> None:
        with Home(home).lock():
            has_it.set()
            lets_go.wait()

    with ThreadPoolExecutor(1) as other:
        other.submit(hold)
        has_it.wait()
        with pytest.raises(HomeBusy), Home(home).lock():
            pass
        threading.Timer(0.5, lets_go.set).start()
        with Home(home).lock(patience=60):
            assert lets_go.is_set()


def test_every_asset_says_what_it_is(graph) -> None:
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description and node.group_name, key
        if key.path[0] in ("marts", "history", "intermediate", "staging", "uses"):
            assert [owner for owner in node.owners if owner.startswith("team:")], key
        if key.path[0] in ("lake", "marts", "history"):
            schema = node.metadata["dagster/column_schema"]
            assert schema.columns and all(column.type for column in schema.columns), key
    uses = [key for key in graph.get_all_asset_keys() if key.path[0] == "uses"]
    assert uses and all(AssetKey("release") in graph.get(key).parent_keys for key in uses)


def test_looking_at_the_house_makes_nothing(tmp_path: Path) -> None:
    build_definitions(Settings.load(tmp_path / "landing", tmp_path / "home"))
    assert not list(tmp_path.iterdir())


def test_dagster_itself_finds_nothing_wrong(tmp_path: Path) -> None:
    """What `dagster dev` loads, validated by its own command in a process of its own."""
    environment = os.environ | {"DAGSTER_HOME": str(tmp_path), "CCHC_HOME": str(tmp_path / "home"),
                                "CCHC_LANDING": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "1"}  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate"], cwd=PROJECT_DIR, env=environment,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
