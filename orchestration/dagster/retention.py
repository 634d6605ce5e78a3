"""How long Dagster remembers runs: they hold some megabytes a night."""

from datetime import UTC, datetime, timedelta

from dagster import DagsterInstance, RunsFilter
from dagster._core.storage.dagster_run import FINISHED_STATUSES


def forget_runs(instance: DagsterInstance, days: int) -> list[str]:
    """Delete the runs that ended and are older than so many days; gives their ids.

    Runs that last made an asset are kept, for a page would say that it was never made.
    """
    before = datetime.now(UTC) - timedelta(days=days)
    old = instance.get_run_ids(RunsFilter(statuses=list(FINISHED_STATUSES), created_before=before))
    if not old:
        return []
    newest = {
        made.run_id
        for record in instance.get_asset_records()
        if (made := record.asset_entry.last_materialization_record)
    }
    gone = [run_id for run_id in old if run_id not in newest]
    for run_id in gone:
        instance.delete_run(run_id)
    return gone
