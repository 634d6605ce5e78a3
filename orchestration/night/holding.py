"""Holding the home for a run, and the one record of its beginning and end, which `cchc status` reads."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration import interrupts
from orchestration.audit import Audit
from orchestration.errors import CchcError, PublicationBlocked, told, writing
from orchestration.files import write_text
from orchestration.home import LAST_RUN, Home
from orchestration.night.request import SILENT, Listener, Request
from orchestration.publishing import releases
from orchestration.publishing.releases import Release


@dataclass(frozen=True)
class Night:
    """A run under way: what was asked, the home it holds, who listens. `killed_before` began and never ended."""

    request: Request
    home: Home
    listener: Listener
    started_at: str
    killed_before: str | None

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
        write_text(self.home.root / LAST_RUN, json.dumps(content, ensure_ascii=False, indent=1) + "\n")

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
        Audit(home).require_sound()
        home.sweep()
        clear(home.work)
        home.work.mkdir(mode=0o700)
        releases.sweep(home)
        before = home.last_run or {}
        was_killed = before.get("outcome") == "running"
        night = Night(request, home, listener, _now(), before.get("started_at") if was_killed else None)
        with writing(home.root / LAST_RUN):
            night._record("running")
        interrupts.before_ending(lambda name: night.ends("interrupted", f"stopped by {name}"))
        try:
            yield night
        except PublicationBlocked as blocked:
            night.ends("blocked", str(blocked))
            raise
        except Exception as error:
            night.ends("failed", told(error))
            raise
        except BaseException as stopped:
            night.ends("interrupted", f"stopped by {type(stopped).__name__}")
            raise
        night.ends("failed", "the run ended without a release")


def clear(path: Path) -> None:
    """Remove what may be removed at any time, whatever it is."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
