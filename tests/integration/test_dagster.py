"""What Dagster shows: lineage from landing to release, checks, the nightly job and its hour, the command's own run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance, DagsterRunStatus, Definitions

from orchestration.definitions import NIGHTLY, build_definitions
from orchestration.settings import PROJECT_DIR, Settings
from orchestration.sources import all_sources


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
    for path in (["lake", "dossiers"], ["marts", "kpi_values"], ["quality", "verdict"]):
        assert instance.get_latest_materialization_event(AssetKey(path)), path


def test_dagster_itself_finds_nothing_wrong(tmp_path: Path) -> None:
    """What `dagster dev` loads, validated by its own command in a process of its own."""
    environment = os.environ | {"DAGSTER_HOME": str(tmp_path), "CCHC_HOME": str(tmp_path / "home"),
                                "CCHC_LANDING": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "1"}  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate"], cwd=PROJECT_DIR, env=environment,
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
