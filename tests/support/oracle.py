"""An independent second reading of the landing contract: what the warehouse must answer, slowly.

Written from the contract alone, to be compared with the warehouse exactly. Reason codes are this module's
own, except `unknown_source` and `extra_cell`, which the contract names: compare files, rows and columns.

Choices made where the contract leaves room (the most literal reading was taken):

1.  Header row: the first row in which every `*` column has an accepted name, in the first sheet that has one.
2.  The canonical name comes first in "the order listed".
3.  Same bytes, same stamp: the first by file name counts, under its name.
4.  `Cộng…` must be written with its own diacritics or with none: `Công an huyện` is no total.
5.  "The last row with at least two filled required cells" may be any row; without one all is layout.
6.  JSON has no layout rows, but the shift rule holds for it too. Code-list columns there: not flags.
7.  `extra_cell` comes before a bad column and names no column; it is for CSV, sheets and HTML alike.
8.  A bad or missing status leaves received_at required, so received_at is then the first bad column.
9.  An element of a `.json` array that is no object rejects the row, as a `.jsonl` line does; a cut last
    line of a `.jsonl` is such a row.
10. Years 1900 to 2100 bind every text form of a time. Fractions of a second in ISO text are cut.
11. A dossier code without `-` gives no agency; its scope code is `unknown`.
12. Named fee columns come before Phí + Lệ phí, these before DanhSachLePhi.
13. A version's state is every kept column of the source, the identity number included.
14. An export is a stamp. One that does not show the dossier does not break a run of closed exports;
    a deleted row with a closed status continues it.
15. `form_06a`: withdrawn joins resolved and on_due_date in every count and rate; not the mean of working
    days, not resolved_without_due_date; dossiers_withdrawn is then 0.
16. Flags across versions compare consecutive exports, deleted rows left out of them; status 1 and 3 are
    "open" there. A dossier whose newest version is deleted keeps what earlier versions earned.
17. `received_after_export` is against the first export of the newest version too.
18. `unknown_procedure`, `unknown_agency`: not without a received day.
19. `supplement_without_resume` and `event_without_dossier` bear the dossier code as entity, the others
    their own code. `lookup_at_unknown_facility` only where the register is known; `duplicate_registration`
    is borne by the later of two in order of (registered_at, registration_code).
20. Nothing known of a source makes its KPIs missing in every scope; a scope without rows counts 0.
21. The portal's copy knows a dossier unless its newest row there says deleted, whatever its status there.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from itertools import zip_longest
from typing import Any

import holidays

from tests.support.cells import list_key
from tests.support.declared import KEYS
from tests.support.reading import (
    Landing,
    Observation,
    RejectedFile,
    RejectedRow,
    read_landing,
)

__all__ = [
    "Landing", "Observation", "RejectedFile", "RejectedRow", "as_of", "flags", "kpis", "newest",
    "read_landing", "versions",
]  # fmt: skip

CLOSED = (7, 8, 9, 10)
OPEN_END = dt.datetime(9999, 12, 31)
Figure = tuple[float | int | None, int | None, float | None]


# --- knowledge


def end_of(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.max)


@cache
def as_of(landing: Landing, day: dt.date) -> Landing:
    """What is known at the end of `day`; files without a stamp are always known."""

    def known(path: str) -> bool:
        stamp = landing.stamps[path]
        return stamp is None or stamp <= end_of(day)

    return Landing(
        [row for row in landing.observations if known(row.source_file)],
        [row for row in landing.rejected_rows if known(row.source_file)],
        [file for file in landing.rejected_files if known(file.source_file)],
        {path: stamp for path, stamp in landing.stamps.items() if known(path)},
    )


@cache
def histories(landing: Landing) -> dict[str, list[Observation]]:
    """Each dossier's observations by stamp, only the last of each stamp."""
    last: dict[tuple[str, dt.datetime], Observation] = {}
    for row in sorted(landing.of("dossiers"), key=lambda row: row.order):
        last[row.values["dossier_code"], row.stamp] = row
    history: dict[str, list[Observation]] = defaultdict(list)
    for row in sorted(last.values(), key=lambda row: row.order):
        history[row.values["dossier_code"]].append(row)
    return dict(history)


@cache
@lru_cache(32)
def newest(landing: Landing, source: str) -> list[Observation]:
    """The newest row of each key of a source other than dossiers."""
    rows: dict[tuple[Any, ...], Observation] = {}
    for row in sorted(landing.of(source), key=lambda row: row.order):
        rows[tuple(row.values[column] for column in KEYS[source])] = row
    return list(rows.values())


def versions(landing: Landing) -> list[dict[str, Any]]:
    """Distinct states of each dossier: all kept columns, known_from, known_to, last_shown_at."""
    out = []
    for rows in histories(landing).values():
        mine: list[dict[str, Any]] = []
        state = None
        for row in rows:
            if row.values != state:
                state = row.values
                if mine:
                    mine[-1]["known_to"] = row.stamp
                mine.append({**state, "known_from": row.stamp, "known_to": OPEN_END})
                mine[-1]["source_file"] = row.source_file
            mine[-1]["last_shown_at"] = row.stamp
        out += mine
    return out


# --- what a dossier counts as (contract section 4)


def day_of(moment: dt.datetime | None) -> dt.date | None:
    return moment.date() if moment else None


def closed_on(rows: list[Observation]) -> dt.date | None:
    """Day closed as shown by the last of `rows`, None while open."""
    values = rows[-1].values
    if values["status"] not in CLOSED:
        return None
    day = day_of(values["completed_at"]) or day_of(values["returned_at"])
    if day is None:
        first = rows[-1]
        for row in reversed(rows):
            if row.values["status"] not in CLOSED:
                break
            first = row
        day = first.stamp.date()
    received = day_of(values["received_at"])
    return max(day, received) if received else day


@dataclass(frozen=True, eq=False)
class Dossier:
    """A counted dossier as last known."""

    values: dict[str, Any]
    received: dt.date
    due: dt.date | None
    closed: dt.date | None
    withdrawn: bool

    @property
    def paused(self) -> bool:
        return self.values["status"] in (5, 6)


@cache
def counted(landing: Landing, day: dt.date) -> list[Dossier]:
    """Dossiers that count on `day`; `landing` must already be as of that day."""
    out = []
    for rows in histories(landing).values():
        values = rows[-1].values
        if values["status"] in (1, 3) or values["is_deleted"]:
            continue
        received = values["received_at"].date()
        if received > day:
            continue
        given_back = values["result_kind"] and list_key(values["result_kind"]) == list_key("Trả lại/Xin rút")
        withdrawn = values["status"] in (7, 8) or bool(values["status"] in (9, 10) and given_back)
        out.append(Dossier(values, received, day_of(values["due_at"]), closed_on(rows), withdrawn))
    return out


# --- working days


@cache
def _calendar() -> holidays.HolidayBase:
    return holidays.country_holidays("VN", years=range(2009, 2027))


@cache
def working_days(after: dt.date, up_to: dt.date) -> frozenset[dt.date]:
    """Working days in (after, up_to]."""
    days = (after + dt.timedelta(days=n) for n in range(1, (up_to - after).days + 1))
    return frozenset(day for day in days if _calendar().is_working_day(day))


def processing_days(dossier: Dossier, pauses: list[tuple[dt.date, dt.date | None]]) -> int:
    """Working days from the day received to the day closed, less the pauses (contract section 6)."""
    assert dossier.closed is not None
    span = working_days(dossier.received, dossier.closed)
    for asked, resumed in pauses:
        span -= working_days(asked, resumed or dossier.closed)
    return len(span)


# --- registers


def valid_rows(landing: Landing, source: str, code: str, day: dt.date) -> list[dict[str, Any]]:
    """Rows of a register (key: code, valid_from) valid on `day`, half-open."""
    name = KEYS[source][0]
    rows = sorted(
        (row.values for row in newest(landing, source) if row.values[name] == code),
        key=lambda values: values["valid_from"],
    )
    valid = []
    for values, following in zip_longest(rows, rows[1:]):
        ends = [day_of(values["valid_to"]), following and day_of(following["valid_from"])]
        if day_of(values["valid_from"]) <= day < min(end or dt.date.max for end in ends):
            valid.append(values)
    return valid


@cache
def scope_of(landing: Landing, dossier: Dossier, scope_type: str) -> str:
    """The dossier's code in a scope type; `unknown` where it is missing."""
    if scope_type == "province":
        return "all"
    if scope_type in ("level", "commune"):
        column = "level" if scope_type == "level" else "commune_code"
        rows = valid_rows(landing, "registers/agencies", dossier.values["agency_code"], dossier.received)
        return (rows[0][column] if rows else None) or "unknown"
    column = {
        "agency": "agency_code",
        "field": "field_code",
        "procedure": "procedure_code",
        "channel": "channel",
        "service_level": "service_level",
    }[scope_type]
    return dossier.values[column] or "unknown"


# --- KPIs


def kpis(
    landing: Landing,
    frm: dt.date,
    to: dt.date,
    as_of_day: dt.date,
    scope_type: str = "province",
    scope_code: str = "all",
    convention: str = "separate",
) -> dict[str, Figure]:
    """All dossier KPIs of [frm, to] as known at the end of `as_of_day`: (numerator, denominator, value).

    A count stands in numerator and value, its denominator None. A missing figure has value None.
    """
    assert frm <= to <= as_of_day
    known = as_of(landing, as_of_day)
    dossiers = [d for d in counted(known, as_of_day) if scope_of(known, d, scope_type) == scope_code]
    form_06a = convention == "form_06a"

    received = [d for d in dossiers if frm <= d.received <= to]
    carried = [d for d in dossiers if d.received < frm and (d.closed is None or d.closed >= frm)]
    in_scope = received + carried
    ended = [d for d in in_scope if d.closed is not None and frm <= d.closed <= to]
    resolved = [d for d in ended if not d.withdrawn]
    withdrawn = [d for d in ended if d.withdrawn]
    in_process = [d for d in in_scope if d.closed is None or d.closed > to]
    early = [d for d in resolved if d.due and d.closed < d.due]
    late = [d for d in resolved if d.due and d.closed > d.due]
    on_due_date = [d for d in resolved if d.due is None or d.closed == d.due]
    within = [d for d in in_process if d.due is None or d.due >= to or d.paused]
    overdue = [d for d in in_process if d.due is not None and d.due < to and not d.paused]

    assert len(carried) + len(received) == len(resolved) + len(withdrawn) + len(in_process)
    assert len(early) + len(on_due_date) + len(late) == len(resolved)
    assert len(within) + len(overdue) == len(in_process)

    shown_resolved = resolved + withdrawn if form_06a else resolved
    shown_on_due = on_due_date + withdrawn if form_06a else on_due_date

    def by(column: str, value: str) -> int:
        return sum(d.values[column] == value for d in received)

    counts = {
        "dossiers_received": len(received),
        "dossiers_received_online": by("channel", "online"),
        "dossiers_received_direct": by("channel", "direct"),
        "dossiers_received_postal": by("channel", "postal"),
        "dossiers_received_full_process": by("service_level", "full"),
        "dossiers_received_partial_process": by("service_level", "partial"),
        "dossiers_received_other_service": by("service_level", "other"),
        "dossiers_carried_over": len(carried),
        "dossiers_resolved": len(shown_resolved),
        "dossiers_resolved_early": len(early),
        "dossiers_resolved_on_due_date": len(shown_on_due),
        "dossiers_resolved_late": len(late),
        "dossiers_resolved_without_due_date": sum(d.due is None for d in resolved),
        "dossiers_in_process": len(in_process),
        "dossiers_in_process_within_due": len(within),
        "dossiers_in_process_overdue": len(overdue),
        "dossiers_in_process_paused": sum(d.paused for d in in_process),
        "dossiers_withdrawn": 0 if form_06a else len(withdrawn),
    }
    with_fee = [d for d in shown_resolved if (d.values["fee_amount"] or 0) > 0]

    def flagged(rows: list[Dossier], column: str) -> int:
        return sum(bool(d.values[column]) for d in rows)

    pauses: dict[str, list[tuple[dt.date, dt.date | None]]] = defaultdict(list)
    for row in newest(known, "supplements"):
        span = (row.values["requested_at"].date(), day_of(row.values["resumed_at"]))
        pauses[row.values["dossier_code"]].append(span)
    days = sum(processing_days(d, pauses[d.values["dossier_code"]]) for d in resolved)

    ratios = {
        "on_time_rate": (len(early) + len(shown_on_due), len(shown_resolved)),
        "online_rate": (by("channel", "online"), len(received)),
        "full_process_rate": (by("service_level", "full"), len(received)),
        "digitised_rate": (flagged(shown_resolved, "has_digitised_components"), len(shown_resolved)),
        "electronic_result_rate": (flagged(shown_resolved, "has_electronic_result"), len(shown_resolved)),
        "online_payment_rate": (flagged(with_fee, "paid_online"), len(with_fee)),
        "average_processing_working_days": (days, len(resolved)),
    }
    on_portal = {row.values["dossier_code"] for row in newest(known, "portal_dossiers") if not row.values["is_deleted"]}
    ratios["portal_sync_rate"] = (sum(d.values["dossier_code"] in on_portal for d in received), len(received))
    if not known.of("dossiers"):
        return dict.fromkeys([*counts, *ratios], (None, None, None))
    figures: dict[str, Figure] = {code: (n, None, n) for code, n in counts.items()}
    for code, (numerator, denominator) in ratios.items():
        value = float(Fraction(numerator, denominator)) if denominator else None
        figures[code] = (numerator, denominator, value)
    if not known.of("portal_dossiers"):
        figures["portal_sync_rate"] = (None, None, None)
    return figures


# --- flags (contract section 5)


def flags(landing: Landing, as_of_day: dt.date) -> set[tuple[str, str]]:
    """(entity_code, rule_code) of all sources as known on `as_of_day`."""
    known = as_of(landing, as_of_day)
    history = histories(known)
    found: set[tuple[str, str]] = set()
    for code, rows in history.items():
        found |= {(code, rule) for rule in _newest_flags(known, rows) | _history_flags(rows)}
    for row in newest(known, "supplements"):
        asked = row.values["requested_at"].date()
        if row.values["resumed_at"] is None and (as_of_day - asked).days > 30:
            found.add((row.values["dossier_code"], "supplement_without_resume"))
    for row in newest(known, "payments"):
        if row.values["dossier_code"] not in history:
            found.add((row.values["transaction_code"], "payment_without_dossier"))
    for row in newest(known, "dossier_events"):
        if row.values["dossier_code"] not in history:
            found.add((row.values["dossier_code"], "event_without_dossier"))
    facilities = {row.values["facility_code"] for row in newest(known, "registers/health_facilities")}
    for row in newest(known, "health_lookups"):
        if facilities and row.values["facility_code"] not in facilities:
            found.add((row.values["lookup_code"], "lookup_at_unknown_facility"))
    return found | _registration_flags(newest(known, "civil_registrations"))


def _registration_flags(rows: list[Observation]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    seen: set[tuple[Any, ...]] = set()
    for values in sorted((row.values for row in rows), key=lambda v: (v["registered_at"], v["registration_code"])):
        if values["event_date"] is None:
            continue
        registered, event = values["registered_at"].date(), values["event_date"].date()
        if registered < event:
            found.add((values["registration_code"], "registered_before_event"))
        same = (values["event_type"], values["person_id"], event)
        if values["person_id"] and same in seen:
            found.add((values["registration_code"], "duplicate_registration"))
        seen.add(same)
    return found


def _newest_flags(known: Landing, rows: list[Observation]) -> set[str]:
    values = rows[-1].values
    if values["is_deleted"]:
        return set()
    status = values["status"]
    received, due, submitted = (day_of(values[c]) for c in ("received_at", "due_at", "submitted_at"))
    completed, returned = day_of(values["completed_at"]), day_of(values["returned_at"])
    first = rows[-1]
    for row in reversed(rows):
        if row.values != values:
            break
        first = row
    export = first.stamp.date()
    given_back = values["result_kind"] and list_key(values["result_kind"]) == list_key("Trả lại/Xin rút")
    inside = re.search(r"-([0-9]{6})-", values["dossier_code"])
    days = [f"{day:%y%m%d}" for day in (submitted, received) if day]

    def unknown(source: str, column: str) -> bool:
        if not known.of(source) or received is None:
            return False
        return not valid_rows(known, source, values[column], received)

    rules = {
        "closed_without_end_date": status in CLOSED and not completed and not returned,
        "completed_before_received": completed and received and completed < received,
        "due_before_received": due and received and due < received,
        "returned_before_completed": returned and completed and returned < completed,
        "received_after_export": received and received > export,
        "completed_after_export": completed and completed > export,
        "returned_without_return_date": status == 10 and not returned,
        "information_service_online": (values["service_level"], values["channel"]) == ("other", "online"),
        "no_due_date": status in (9, 10) and not given_back and not due,
        "unknown_procedure": unknown("registers/procedures", "procedure_code"),
        "unknown_agency": unknown("registers/agencies", "agency_code"),
        "code_date_mismatch": bool(inside and days and inside[1] not in days),
    }
    return {rule for rule, broken in rules.items() if broken}


def _history_flags(rows: list[Observation]) -> set[str]:
    found = set()
    for at, row in enumerate(rows):
        if row.values["is_deleted"]:
            continue
        values, earlier = row.values, [e for e in rows[:at] if not e.values["is_deleted"]]
        closed = closed_on(rows[: at + 1])
        still_open = [e.stamp.date() for e in earlier if e.values["status"] not in CLOSED]
        if closed and any(closed < day for day in still_open):
            found.add("completion_backdated")
        if values["completed_at"] and values["completed_at"] == values["due_at"]:
            due = values["due_at"].date()
            if any(day > due for day in still_open):
                found.add("completion_equals_due")
        if values["status"] in (2, 4, 5, 6) and any(e.values["status"] in CLOSED for e in earlier):
            found.add("reopened")
        if not earlier:
            continue
        before = earlier[-1].values
        old, new = day_of(before["due_at"]), day_of(values["due_at"])
        moved_later = old and new and new > old and row.stamp.date() > old
        if moved_later and not (closed and closed <= old):
            found.add("deadline_moved_after_breach")
        was, now = day_of(before["received_at"]), day_of(values["received_at"])
        if was and now and was != now:
            found.add("received_date_moved")
    return found
