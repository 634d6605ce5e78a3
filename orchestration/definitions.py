"""The whole house on one page. `build_definitions` takes overrides, so that a test sees the same page."""

from __future__ import annotations

from collections.abc import Callable

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
from orchestration.dagster.resources import night_resource
from orchestration.nightly import Night
from orchestration.settings import Settings, quiet_telemetry, today
from orchestration.warehouse import dbt

NIGHTLY = "nightly"


def build_definitions(settings: Settings, open_night: Callable[[], Night] | None = None) -> Definitions:
    """Everything Dagster knows: `open_night` gives each run its night (by default: as of today)."""
    quiet_telemetry()
    manifest = dbt.parsed_manifest(settings.home)
    nightly = define_asset_job(NIGHTLY, selection=AssetSelection.all(), executor_def=in_process_executor)
    return Definitions(
        assets=[
            *assets.landing_assets(),
            assets.lake_assets(),
            assets.warehouse_assets(manifest),
            assets.verdict_assets(manifest),
            assets.release_assets(),
        ],
        jobs=[nightly],
        schedules=[
            ScheduleDefinition(
                name="nightly_at_one",
                job=nightly,
                cron_schedule="0 1 * * *",
                execution_timezone="Asia/Ho_Chi_Minh",
                default_status=DefaultScheduleStatus.RUNNING,
            )
        ],
        resources={"night": night_resource(open_night or (lambda: Night(settings, today())))},
    )


@definitions
def defs() -> Definitions:
    """What `dagster dev` loads; the command line builds its own."""
    return build_definitions(Settings.load())
