"""The night that a run is about: opened once per run, under the home's lock."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from dagster import DagsterInstance, DagsterRunStatus, InitResourceContext, RunsFilter, resource

from orchestration.errors import plainly
from orchestration.nightly import Night
from orchestration.settings import UMASK


def night_resource(open_night: Callable[[], Night]):
    """A resource that holds the home from the first step of a run to its last."""

    @resource
    def night(context: InitResourceContext) -> Iterator[Night]:
        os.umask(UMASK)
        with ExitStack() as stack:
            with plainly("opening the home"):
                tonight = open_night()
                stack.enter_context(tonight.held())
            _close_dead_runs(context.instance, context.run_id)
            yield tonight

    return night


def _close_dead_runs(instance: DagsterInstance | None, run_id: str | None) -> None:
    """Who holds the home is alone: a run that is still said to go on was killed."""
    if instance is None:
        return
    for run in instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED])):
        if run.run_id != run_id:
            instance.report_run_failed(run, "the process of this run ended before the run did")
