"""Holding the home for a run, and the one record of its beginning and end, which `cchc status` reads."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from orchestration import interrupts
from orchestration.audit import Audit
from orchestration.errors import CchcError, PublicationBlocked, UsageError, told, writing
from orchestration.files import clear, write_text
from orchestration.home import LAST_RUN, Home
from orchestration.ingestion.landing import required
from orchestration.migrations import migrate
from orchestration.night.request import SILENT, Listener, Request
from orchestration.plain import visible
from orchestration.publishing import releases
from orchestration.publishing.releases import Release
from orchestration.settings import Alerts, Settings, today


@dataclass(frozen=True)
class Night:
    """A run under way: what was asked, the home it holds, who listens. `killed_before` began and never ended; `said` is
    what was said of this run last, also where it could not be written down."""

    request: Request
    home: Home
    listener: Listener
    started_at: str
    killed_before: str | None
    said: dict[str, Any] = field(default_factory=dict)

    def progress(self, stage: str) -> Callable[[str, int, int], object]:
        return lambda label, done, total: self.listener.progress(stage, label, done, total)

    def ends(self, outcome: str, message: str = "", release: Release | None = None) -> None:
        """Keep how the run ended, once: what is written down first stands."""
        last = self.home.last_run or {}
        if (last.get("started_at"), last.get("pid"), last.get("outcome")) == (self.started_at, os.getpid(), "running"):
            with suppress(OSError, CchcError):  # on a full disk, how the run ended must not hide why
                self._record(outcome, message, release)
                self._audit(outcome, message, release)

    def _record(self, outcome: str, message: str = "", release: Release | None = None) -> None:
        content = {
            "started_at": self.started_at,
            "ended_at": None if outcome == "running" else _now(),
            "pid": os.getpid(),
            "killed_before": self.killed_before,
            "as_of": self.request.as_of.isoformat(),
            "outcome": outcome,
            "message": message,
            "release_id": release.release_id if release else None,
        }
        self._write(content)

    def _write(self, content: dict[str, Any]) -> None:
        self.said.update(content)
        write_text(self.home.root / LAST_RUN, json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    def tell(self, is_over: bool) -> None:
        """Have the alerts of the ended run sent; of one that is tried again, all but its failure. Whatever comes of it,
        the run ended as it did."""
        if not self.request.tells or self.said.get("outcome") == "running":
            return
        said = self.said if is_over else self.said | {"outcome": "tried again"}
        amiss = _told(self.home, self.request.settings, said)
        if amiss:
            with suppress(OSError):
                self._write(self.said | {"alerts": amiss})

    def _audit(self, outcome: str, message: str, release: Release | None) -> None:
        said: dict[str, object] = {
            "reads_landing": self.request.reads_landing,
            "as_of": self.request.as_of.isoformat(),
            "started_at": self.started_at,
            "outcome": outcome,
            "message": message,
            "release_id": release.release_id if release else None,
            "killed_before": self.killed_before,
        }
        Audit(self.home).record("ran", **{key: value for key, value in said.items() if value not in (None, "")})


@contextmanager
def held(request: Request, listener: Listener = SILENT, patience: float = 0) -> Iterator[Night]:
    """Hold the home, sweep what an interrupted run left, and record that this run begins and how it ends. Another run
    that holds it is waited for as many seconds as `patience` says.

    Raises HomeBusy, UsageError when the home cannot be written, and CchcError when its audit trail is damaged.
    """
    home = Home.for_writing(request.settings)
    with home.lock(patience):
        try:
            night = _begun(request, home, listener)
        except Exception as error:
            if request.tells and not request.goes_on_after(error):
                _told(home, request.settings, _never_begun(request.as_of, error))
            raise
        interrupts.before_ending(lambda name: night.ends("interrupted", f"stopped by {name}"))
        is_over = True
        try:
            with _ending(night):
                yield night
        except Exception as error:
            is_over = not request.goes_on_after(error)
            raise
        finally:
            night.tell(is_over)


def _begun(request: Request, home: Home, listener: Listener) -> Night:
    """The run, once the home is swept and its beginning recorded."""
    Audit(home).require_sound()
    home.sweep()
    migrate(home)
    clear(home.work)
    home.work.mkdir(mode=0o700)
    releases.sweep(home)
    before = home.last_run or {}
    was_killed = before.get("outcome") == "running"
    night = Night(request, home, listener, _now(), before.get("started_at") if was_killed else None)
    with writing(home.root / LAST_RUN):
        night._record("running")
    return night


@contextmanager
def _ending(night: Night) -> Iterator[None]:
    """Record how the run ended, where it has not said so itself."""
    try:
        yield
    except PublicationBlocked as blocked:
        night.ends("blocked", str(blocked))
        raise
    except Exception as error:
        night.ends("failed", told(error))
        raise
    except GeneratorExit:  # whoever takes what the steps hand on gave up
        night.ends("failed", "what the run told Dagster could not be kept")
        raise
    except BaseException as stopped:
        night.ends("interrupted", f"stopped by {type(stopped).__name__}")
        raise
    night.ends("failed", "the run ended without a release")


def require_landing(settings: Settings, tries_again: bool = False) -> None:
    """Raises UsageError when there is no landing folder to read. That ends a run before it begins and touches nothing;
    of a share that is away at night, those whom alerts go to are told all the same, where the home is ours, once the
    run is not tried again."""
    try:
        required(settings.landing)
    except UsageError as error:
        if tries_again and error.passes:
            raise
        with suppress(CchcError, OSError):
            home = Home.for_reading(settings)
            with home.lock():
                _told(home, settings, _never_begun(today(), error))
        raise


def _never_begun(as_of: date, error: Exception) -> dict[str, Any]:
    """What there is to say of a run that failed before it could be recorded."""
    said = {"killed_before": None, "as_of": as_of.isoformat(), "ended_at": _now(), "release_id": None}
    return said | {"outcome": "failed", "message": told(error)}


def _told(home: Home, settings: Settings, said: dict[str, Any]) -> list[str]:
    """What is amiss with the alerts of a run, said on one line of stderr too."""
    if settings.alerts == Alerts() or sys.is_finalizing():  # when no thread starts any more: the next run tells
        return []
    try:
        from orchestration.alerts import tell

        amiss = tell(home, settings, said)
    except Exception as error:
        amiss = [f"alerts: {told(error)}"]
    if amiss:
        print(f"cchc: {visible('; '.join(amiss))}", file=sys.stderr)
    return amiss


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
