"""Who did what in a home and when: append-only, chained, beside the releases; `cchc status` shows its tail.

An entry is one of `ran` (a night, a rebuild, a purge), `accepted`, `withdrawn`, `purged`, `waived`, `froze`,
`exported`, `removed` (what was kept long enough), `migrated`. It bears `at` (UTC), the `account` of the machine, the
name given with --by where a person decides, and no number by which one could be known.
"""

from __future__ import annotations

import fcntl
import os
import pwd
from datetime import UTC, datetime
from typing import Any

from orchestration.chained import Chain
from orchestration.errors import UsageError
from orchestration.home import Home
from orchestration.ingestion.cells import without_long_numbers

_OF_THE_CHAIN = ("sequence", "previous", "digest")


class Audit:
    """The audit trail of a home."""

    def __init__(self, home: Home):
        self.home = home

    @property
    def _chain(self) -> Chain:
        """Read anew each time: others write it, too."""
        return Chain(
            self.home.audit,
            "the audit trail",
            "restore it from a backup, or move it aside, of which `cchc doctor` tells as long as its releases are kept",
            mode=0o640,
        )

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Every entry, oldest first. Raises CchcError naming the line at which the chain is broken."""
        return [{k: v for k, v in entry.items() if k not in _OF_THE_CHAIN} for entry in self._chain.entries]

    @property
    def head(self) -> dict[str, Any]:
        """What a release or a pack remembers of the trail."""
        return self._chain.head

    def holds(self, head: dict[str, Any]) -> bool:
        return self._chain.holds(head)

    def require_sound(self) -> None:
        """Raises CchcError when the chain is broken: nothing is done that could not be written down."""
        _ = self._chain.entries

    def record_if_writable(self, event: str, **said: Any) -> None:
        """Add an entry where this account may write the trail: who may only read a release leaves none."""
        if os.access(self.home.audit if self.home.audit.exists() else self.home.root, os.W_OK):
            self.record(event, **said)

    def record(self, event: str, **said: Any) -> None:
        """Add an entry, safely on disk when this returns. Long numbers in what people wrote are masked.

        Raises UsageError when the trail cannot be written, CchcError when it is damaged.
        """
        masked = {k: without_long_numbers(v) if k in ("by", "reason", "message") else v for k, v in said.items()}
        entry = {"event": event, "at": _now(), "account": _account(), **masked}
        try:
            handle = os.open(self.home.audit, os.O_RDWR | os.O_CREAT, 0o640)
        except OSError as error:
            raise UsageError(f"the audit trail {self.home.audit} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._chain.append([entry])
        finally:
            os.close(handle)


def told_of(entry: dict[str, Any]) -> str:
    """An entry on one line: when, who, what, why."""
    who = entry.get("by") or entry["account"]
    about = [entry[k] for k in ("check", "what", "as_of", "outcome", "release_id", "reason", "message") if entry.get(k)]
    return f"{entry['at'][:16].replace('T', ' ')} {who} {entry['event']} {', '.join(map(str, about))}".rstrip()


def _account() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # in a container, an account may have a number and no name
        return str(os.geteuid())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
