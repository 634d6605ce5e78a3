"""Any past day again: a job with a partition a day, so that a range of days is a backfill of Dagster's page."""

import os
from dataclasses import replace

from dagster import (
    DailyPartitionsDefinition,
    JobDefinition,
    MetadataValue,
    OpExecutionContext,
    ResourceParam,
    in_process_executor,
    job,
    op,
)
from dagster._core.storage.tags import BACKFILL_ID_TAG

from orchestration.dagster.liveness import show_alive
from orchestration.dagster.patience import tried_again
from orchestration.dagster.resources import Installation
from orchestration.errors import plainly
from orchestration.interrupts import heeded
from orchestration.night.request import Listener, Request
from orchestration.night.steps import run_night
from orchestration.settings import HO_CHI_MINH, UMASK

PAST_DAYS = "past_days"
# No period of a figure is earlier (docs/published-interface.md 3, kpi_values).
DAYS = DailyPartitionsDefinition(start_date="2010-01-01", timezone=str(HO_CHI_MINH), end_offset=1)


@op(description="The release of one day, as that night would have published it; an earlier day's stands beside.")
def publish_day(context: OpExecutionContext, installation: Installation, listener: ResourceParam[Listener]) -> None:
    os.umask(UMASK)
    show_alive(context.instance, context.run_id)
    day = DAYS.time_window_for_partition_key(context.partition_key).start.date()
    with heeded(), tried_again(context) as patience, plainly("the night"):
        settings = installation.landed(patience.tries_again)
        kept = replace(settings, keep_releases=max(settings.keep_releases, _asked_together(context)))
        published = run_night(Request(kept, day, tries_again=patience.tries_again), listener, patience.seconds)
    release = published.release
    if not any(source["status"] == "accepted" for source in release.manifest["sources"]):
        context.log.warning(f"no export is known at the end of {day}: the release of that day is empty")
    context.add_output_metadata(
        {
            "release_id": release.release_id,
            "is_new": published.is_new,
            "release": MetadataValue.path(str(release.path)),
            "review_page": MetadataValue.path(str(release.review_page)),
        }
    )


def _asked_together(context: OpExecutionContext) -> int:
    """Of how many days the backfill is that this run belongs to: its first must not go before its last is there."""
    asked = context.run.tags.get(BACKFILL_ID_TAG)
    backfill = context.instance.get_backfill(asked) if asked else None
    return len(backfill.partition_names or ()) if backfill else 0


def past_days() -> JobDefinition:
    """The job; each partition is the day as of which a release is made."""

    @job(name=PAST_DAYS, partitions_def=DAYS, executor_def=in_process_executor)
    def days() -> None:
        publish_day()

    return days
