"""The whole house on one page. `build_definitions` takes overrides, so that a test sees the same page."""

from __future__ import annotations

from dagster import (
    AssetSelection,
    DefaultScheduleStatus,
    Definitions,
    ScheduleDefinition,
    define_asset_job,
    definitions,
    in_process_executor,
)

from orchestration.dagster import assets
from orchestration.dagster.arrivals import arrivals
from orchestration.dagster.days import past_days
from orchestration.dagster.resources import Installation
from orchestration.night.request import SILENT, Listener
from orchestration.settings import HO_CHI_MINH, Settings, quiet_telemetry
from orchestration.warehouse import dbt

NIGHTLY = "nightly"


def build_definitions(settings: Settings, listener: Listener = SILENT) -> Definitions:
    """Everything Dagster knows; `listener` is told of each run's progress."""
    quiet_telemetry()
    manifest = dbt.parsed_manifest(settings.home)
    nightly = define_asset_job(NIGHTLY, selection=AssetSelection.all())
    return Definitions(
        assets=[*assets.outer_assets(manifest), assets.night_assets(manifest)],
        jobs=[nightly, past_days()],
        sensors=[arrivals(NIGHTLY)],
        schedules=[
            ScheduleDefinition(
                name="nightly_at_one",
                job=nightly,
                cron_schedule="0 1 * * *",
                execution_timezone=str(HO_CHI_MINH),
                default_status=DefaultScheduleStatus.RUNNING,
            )
        ],
        resources={"installation": Installation.of(settings), "listener": listener},
        executor=in_process_executor,  # one process writes: dbt, DuckDB and the lock live in it
    )


@definitions
def defs() -> Definitions:
    """What `dagster dev` loads; the command line builds its own."""
    return build_definitions(Settings.load())
