"""Telling people how runs end: what there is to say (`messages`), the ways out (`channels`), and here what was said
already. Nothing in here ever fails a run (docs/alerts.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from orchestration.errors import UsageError
from orchestration.files import write_text
from orchestration.home import Home
from orchestration.settings import Settings, today

MEMORY = "alerts.json"
_Memory = dict[str, dict[str, list[str]]]


def tell(home: Home, settings: Settings, run: Mapping[str, Any]) -> list[str]:
    """Tell of a run that ended, as its record says, what was not told before; gives what is amiss, a line each.

    Who calls holds the home. A kind of alert goes out again when it has a cause that its channel has not told yet; a
    cause that is gone is forgotten, and what could not be sent is tried again after the next run.
    """
    from orchestration.alerts.channels import channels, deliver
    from orchestration.alerts.messages import standing

    ways = channels(settings.alerts)
    if not ways:
        return []
    found, memory = standing(home, run), _remembered(home)
    told = {(way.name, kind): set(memory.get(way.name, {}).get(kind, ())) for way in ways for kind in found}
    due = [(way, [a for kind, a in found.items() if a and not a.causes <= told[way.name, kind]]) for way in ways]
    deliveries = deliver(due, settings.alerts.seconds)
    failed = {(d.channel, d.kind) for d in deliveries if not d.sent}
    for (way, kind), before in told.items():
        alert = found[kind]
        causes = alert.causes if alert else frozenset()
        memory.setdefault(way, {})[kind] = sorted(causes & before if (way, kind) in failed else causes)
    with suppress(OSError):  # on a full disk it is rather told twice
        write_text(home.root / MEMORY, json.dumps(memory, ensure_ascii=False, indent=1) + "\n", 0o640)
    return [f"alert {d.kind} by {d.channel}: {d.said}" for d in deliveries if d.said]


def try_out(settings: Settings) -> list[tuple[str, bool, str]]:
    """Send a test on every channel; gives the channel, whether all is well, and what was said.

    Raises UsageError when there is none.
    """
    from orchestration.alerts.channels import channels, deliver
    from orchestration.alerts.messages import trial

    ways = channels(settings.alerts)
    if not ways:
        raise UsageError("nobody is to be told: set CCHC_ALERT_SMTP_HOST, CCHC_ALERT_WEBHOOK_URL or CCHC_ALERT_FILE")
    at, home = datetime.now(UTC).isoformat(timespec="milliseconds"), str(settings.home or "")
    due = [(way, [trial(home, at, today().isoformat(), way.name)]) for way in ways]
    sent = deliver(due, settings.alerts.seconds)
    return [(d.channel, d.sent and not d.said, d.said or "sent") for d in sent]


def _remembered(home: Home) -> _Memory:
    """What each channel has told, by kind; nothing where it cannot be read."""
    with suppress(OSError, ValueError):
        found = json.loads((home.root / MEMORY).read_text("utf-8"))
        if isinstance(found, dict):
            return found
    return {}
