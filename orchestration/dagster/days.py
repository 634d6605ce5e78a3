"""Any past day again: a job with a partition a day, so that a range of days is a backfill of Dagster's page."""

import os

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
        request = Request(installation.landed(patience.tries_again), day, tries_again=patience.tries_again)
        published = run_night(request, listener, patience.seconds)
    release = published.release
    context.add_output_metadata(
        {
            "release_id": release.release_id,
            "is_new": published.is_new,
            "release": MetadataValue.path(str(release.path)),
            "review_page": MetadataValue.path(str(release.review_page)),
        }
    )


def past_days() -> JobDefinition:
    """The job; each partition is the day as of which a release is made."""

    @job(name=PAST_DAYS, partitions_def=DAYS, executor_def=in_process_executor)
    def days() -> None:
        publish_day()

    return days
