"""Whether the process of a run lives. Each run's holds a lock for as long as it does, which the kernel lets go when it
dies, of a power cut too; so a dead run frees its place in the queue, whoever started it and wherever."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, DefaultRunLauncher, RunsFilter
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus

# Between the event that a run began and its first step; after that, who holds no lock is dead.
_BEGINS_SECONDS = 300
_held: dict[str, int] = {}


class NightLauncher(DefaultRunLauncher):
    """Dagster's own, which leaves a run whose process died in its place when the server that started it died, too, and
    one of the command line always."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        lives = is_alive(self._instance, run.run_id)
        return CheckRunHealthResult(WorkerStatus.RUNNING if lives else WorkerStatus.NOT_FOUND)


def show_alive(instance: DagsterInstance, run_id: str) -> None:
    """Let this process be known as the one of a run, until it ends: also while the run waits for its next try."""
    if run_id not in _held:
        _place(instance).mkdir(mode=0o700, exist_ok=True)
        _held[run_id] = os.open(_place(instance) / run_id, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(_held[run_id], fcntl.LOCK_EX)


def is_alive(instance: DagsterInstance, run_id: str) -> bool:
    try:
        return _is_locked(_place(instance) / run_id)
    except FileNotFoundError:
        record = instance.get_run_record_by_id(run_id)
        return record is not None and (record.start_time or 0) > time.time() - _BEGINS_SECONDS


def close_dead_runs(instance: DagsterInstance) -> None:
    """Say of each run that is told to go on, and whose process died, that it ended; sweep what the dead leave."""
    for run in instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED])):
        if not is_alive(instance, run.run_id):
            instance.report_run_failed(run, "the process of this run ended before the run did")
    for path in _place(instance).glob("*"):
        was_of = instance.get_run_by_id(path.name)
        if was_of is None or was_of.is_finished:  # one about to begin may not hold its lock yet
            path.unlink(missing_ok=True)


def _is_locked(path: Path) -> bool:
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _place(instance: DagsterInstance) -> Path:
    return Path(instance.root_directory) / "alive"
