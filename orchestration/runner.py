"""Run the nightly job in this process, so that the run shows in Dagster's UI like any other."""

from __future__ import annotations

import logging
import os

from orchestration.errors import CchcError, full_disk, is_full_disk, writing
from orchestration.files import write_text
from orchestration.home import Home
from orchestration.nightly import Night
from orchestration.settings import quiet_telemetry

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run(night: Night) -> Night:
    """Ingest, build, check, publish through Dagster.

    Raises HomeBusy, the error with which a step ended, or PublicationBlocked when the verdict forbids publication.
    """
    quiet_telemetry()
    for chatty in ("dagster._core", "great_expectations"):  # "dagster" itself is set anew by every run
        logging.getLogger(chatty).setLevel(logging.ERROR)
    # Held from here on: dbt parses below the home.
    with night.held():
        with writing(night.home.dagster):
            _execute(night)
        if night.verdict is not None and not night.verdict.passed:
            raise night.blocked()
        if night.release is None:
            raise CchcError("the nightly run ended without a release: see the run in Dagster's UI")
    return night


def _execute(night: Night) -> None:
    """Raises the error with which a step ended, unless the verdict tells it."""
    _prepare_storage(night.home)
    from dagster import DagsterInstance

    from orchestration.definitions import NIGHTLY, build_definitions

    definitions = build_definitions(night.settings, lambda: night)
    with DagsterInstance.get() as instance:
        try:
            definitions.resolve_job_def(NIGHTLY).execute_in_process(
                instance=instance, run_config=_QUIET, raise_on_error=True
            )
        except Exception as error:
            if night.verdict is None or night.verdict.passed:
                raise _cause(error, night.home) from None


def _prepare_storage(home: Home) -> None:
    """Dagster's storage lies in the home; its instance settings only keep it from calling out and asking."""
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    settings = home.dagster / "dagster.yaml"
    if not settings.exists():
        write_text(settings, "telemetry:\n  enabled: false\nnux:\n  enabled: false\n")


def _cause(error: BaseException, home: Home) -> BaseException:
    """Our own error inside what Dagster wraps around it, also where its storage failed while it wrote that down."""
    seen: list[BaseException] = []
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop(0)
        if isinstance(link, CchcError):
            return link
        if link is not None and link not in seen:
            seen.append(link)
            links += [link.__cause__, link.__context__]
    return full_disk(home.dagster) if any(map(is_full_disk, seen)) else error
