"""Run the nightly job in this process, so that the run shows in Dagster's UI like any other."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import redirect_stderr
from typing import Any, TextIO

from orchestration.errors import CchcError, full_disk, is_full_disk, writing
from orchestration.files import write_text
from orchestration.home import Home
from orchestration.night.request import SILENT, Listener, Request
from orchestration.settings import quiet_telemetry

# No calling out, no asking, and no copies of what a step prints: watching for that costs a run two processes more.
_FIRST = "telemetry:\n  enabled: false\nnux:\n  enabled: false\n"
_SECOND = _FIRST + (
    "compute_logs:\n  module: dagster._core.storage.noop_compute_log_manager\n  class: NoOpComputeLogManager\n"
)
_THIRD = _SECOND + "event_log_storage:\n  module: orchestration.dagster.event_log\n  class: NightEventLog\n"
# One writer: others wait their turn.
_FOURTH = _THIRD + (
    "concurrency:\n  runs:\n    max_concurrent_runs: 1\n"
    "run_monitoring:\n  enabled: true\n  poll_interval_seconds: 60\n"
    "retention:\n  sensor:\n    purge_after_days:\n      skipped: 7\n      success: 90\n      failure: 90\n"
)
# A run whose process died frees its place. What a run says line by line stands in its page; the log of a service gets
# what went wrong.
_FIFTH = _FOURTH + (
    "run_launcher:\n  module: orchestration.dagster.liveness\n  class: NightLauncher\n"
    "python_logs:\n  python_log_level: WARNING\n"
)
# A night that was killed begins once more by itself; one that ended with an error has had its tries.
_SETTINGS = _FIFTH + "run_retries:\n  enabled: true\n  max_retries: 1\n  retry_on_asset_or_op_failure: false\n"
_FORMER = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH)
_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


def run(request: Request, listener: Listener = SILENT) -> None:
    """A night through Dagster. Raises HomeBusy, PublicationBlocked, or the error with which a step ended."""
    quiet_telemetry()
    for chatty in ("dagster._core", "great_expectations"):  # "dagster" itself is set anew by every run
        logging.getLogger(chatty).setLevel(logging.ERROR)
    home = Home.for_writing(request.settings)
    home.require_free()  # told at once, before the imports; the run itself holds the home
    with writing(home.dagster):
        _execute(request, listener, home)


def _execute(request: Request, listener: Listener, home: Home) -> None:
    prepare_storage(home)
    from dagster import DagsterInstance, RunConfig

    from orchestration.dagster.assets import NIGHT, NightConfig
    from orchestration.definitions import NIGHTLY, build_definitions

    job = build_definitions(request.settings, listener).resolve_job_def(NIGHTLY)
    with DagsterInstance.get() as instance, redirect_stderr(_WithoutRemarks(sys.stderr)):
        try:
            job.execute_in_process(
                instance=instance,
                run_config=RunConfig(ops={NIGHT: NightConfig.of(request)}, loggers=_QUIET),
                raise_on_error=True,
            )
        except Exception as error:
            cause = _cause(error, home)
            _let_go(error)
            raise cause from None


_REMARKS = ("Exception while writing logger call", "Exception while storing event batch", "Falling back to storing")


class _WithoutRemarks:
    """A stream without the lines that Dagster writes beside what it raises when its storage is full: ours is enough."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return len(text) if text.startswith(_REMARKS) else self._stream.write(text)


def prepare_storage(home: Home) -> None:
    """Dagster's storage lies in the home."""
    os.environ |= {"DAGSTER_HOME": str(home.dagster), "DAGSTER_EVENT_BATCH_SIZE": "1000"}
    settings = home.dagster / "dagster.yaml"
    if not settings.exists() or settings.read_text("utf-8") in _FORMER:
        write_text(settings, _SETTINGS)


def _let_go(error: BaseException) -> None:
    """End the night where Dagster's storage failed between two of its steps: it would hold the home, and tell nobody,
    for as long as the frames of what was raised."""
    for link in _links(error):
        traceback.clear_frames(link.__traceback__)


def _cause(error: BaseException, home: Home) -> BaseException:
    """Our own error inside what Dagster wraps around it, also where its storage failed while it wrote that down."""
    links = list(_links(error))
    ours = next((link for link in links if isinstance(link, CchcError)), None)
    return ours or (full_disk(home.dagster) if any(map(is_full_disk, links)) else error)


def _links(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it came from, nearest first."""
    seen: list[BaseException] = []
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop(0)
        if link is not None and link not in seen:
            seen.append(link)
            yield link
            links += [link.__cause__, link.__context__]
