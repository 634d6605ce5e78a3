"""Plans every dossier of the province: its days, its states, and when the system learned of them.

A plan is a table of columns (arrays of one length). Two kinds of time stand side by side: what the dossier
system *shows* (`received_at`, `due_at`, `completed_at`, `returned_at`) and the moment *since when* it
shows it (`…_since`). Nearly always they agree; where they do not, `irregularities` has been at work. An
outcome of `shares` steers the draw of days and is then forgotten: no column says early, late or withdrawn.

Columns (time stamps are datetime64[s], NaT where it never happens; row numbers point into the province):
    procedure, agency, address, person    row numbers (person: of the sample's own people)
    service_level, channel                full/partial/other, direct/online/postal
    code_day, code_base                   the day in the dossier code, and the first number of its series
    created_at, received_at, due_at, completed_at, returned_at      as finally shown
    accepted_since, refused_since, handled_since, closed_since, returned_since, deleted_since
    paused_from, paused_to, paused_status        a request for supplement (5) or payment (6)
    due_first, due_moved_since                   the due date shown before that moment
    received_first, received_moved_since         likewise the day received
    closed_once_at, reopened_since               closed in error, then opened again
    end_status, result_kind, paid_online, digitised, electronic_result, applicant_type, other_code
    is_irregular                                 its rows must reach the lake as they are
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sample_province.calendar import DAY, Calendar, office_time
from sample_province.province import MISSING, Province, agencies_for, rows_of
from sample_province.shares import Shares

NEVER = np.datetime64("NaT", "s")
Plan = dict[str, np.ndarray]

_SAME_DAY_SPAN = np.timedelta64(40 * 60, "s")
_DUE_TIME = np.timedelta64(17 * 3600, "s")


@dataclass
class _Draw:
    """What the steps of one plan share: outcome per dossier, statutory days, and day indexes."""

    outcome: np.ndarray
    days: np.ndarray
    received: np.ndarray
    due: np.ndarray
    closed: np.ndarray

    def has(self, *outcomes: str) -> np.ndarray:
        return np.isin(self.outcome, outcomes)


def plan_dossiers(province: Province, calendar: Calendar, shares: Shares, rng: np.random.Generator) -> Plan:
    """The plan of all dossiers, regular ones only, in no particular order."""
    outcome, service_level = _outcomes(shares, rng)
    size = len(outcome)
    slow = np.isin(outcome, ("late", "within_dated", "paused", "overdue"))
    procedure = _procedures(province, service_level, slow, rng)
    commune = rng.choice(rows_of(province, "xã")[0], size, p=rows_of(province, "xã")[1])
    district = rng.choice(rows_of(province, "huyện")[0], size, p=rows_of(province, "huyện")[1])
    draw = _draw_days(calendar, outcome, province.procedures["statutory_days"][procedure], rng)
    plan: Plan = {
        "procedure": procedure,
        "agency": agencies_for(province, procedure, commune, district),
        "address": commune,
        "person": rng.integers(0, max(1, int(0.62 * size)), size),
        "applicant_type": np.where(rng.random(size) < 0.93, "1", np.where(rng.random(size) < 0.95, "2", "3")),
        "service_level": service_level,
        "channel": _channels(service_level, shares, rng),
        "code_base": np.zeros(size, int),
        "other_code": np.full(size, None, object),
        "is_irregular": np.zeros(size, bool),
    }
    for column in ("due_first", "due_moved_since", "received_first", "received_moved_since", "closed_once_at",
                   "reopened_since", "refused_since", "deleted_since"):  # fmt: skip
        plan[column] = np.full(size, NEVER)
    _receive(plan, draw, calendar, rng)
    _close(plan, draw, calendar, rng)
    _pause(plan, draw, calendar, rng)
    _leave_uncounted(plan, draw, calendar, rng)
    plan["code_day"] = plan["created_at"].astype("datetime64[D]")
    fee = province.procedures["fee_amount"][procedure] > 0
    paid = rng.random(size) < np.where(plan["channel"] == "online", 0.58, 0.04)
    plan["paid_online"] = fee & paid
    plan["digitised"] = rng.random(size) < np.where(plan["channel"] == "online", 0.82, 0.46)
    plan["electronic_result"] = rng.random(size) < np.where(service_level == "full", 0.66, 0.31)
    return plan


def _outcomes(shares: Shares, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Outcome and service level of each dossier, independent of each other, each to its exact count."""
    counted = _repeat(shares.outcomes)
    levels = rng.permutation(_repeat(shares.service_levels))
    extra = _repeat(shares.not_counted)
    extra_levels = rng.choice(["full", "partial", "other"], len(extra), p=[0.5, 0.45, 0.05])
    return np.concatenate([counted, extra]), np.concatenate([levels, extra_levels])


def _repeat(counts: dict[str, int]) -> np.ndarray:
    return np.repeat(np.array(list(counts), object), list(counts.values()))


def _procedures(province: Province, level: np.ndarray, slow: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A listed procedure of the dossier's service level; slow dossiers lean to procedures of many days."""
    table = province.procedures
    chosen = np.zeros(len(level), int)
    for name in ("full", "partial", "other"):
        rows = np.flatnonzero((table["service_level"] == name) & table["is_listed"])
        for is_slow in (False, True):
            leaning = table["weight"][rows] * table["statutory_days"][rows] ** (0.8 if is_slow else 0.0)
            here = np.flatnonzero((level == name) & (slow == is_slow))
            chosen[here] = rng.choice(rows, len(here), p=leaning / leaning.sum())
    return chosen


def _channels(level: np.ndarray, shares: Shares, rng: np.random.Generator) -> np.ndarray:
    """Exactly the online dossiers planned, nearly all of them of the online service levels."""
    counted = sum(shares.channels.values())
    key = rng.random(len(level)) + 0.25 * (level == "full") - 2.0 * (level == "other")
    astray = np.flatnonzero(level[:counted] == "other")[: max(1, shares.channels["online"] // 5000)]
    key[astray] = 2.0
    online = np.zeros(len(level), bool)
    online[np.argsort(-key[:counted], kind="stable")[: shares.channels["online"]]] = True
    online[counted:] = level[counted:] != "other"
    return np.where(online, "online", np.where(rng.random(len(level)) < 0.05, "postal", "direct"))


def _draw_days(calendar: Calendar, outcome: np.ndarray, days: np.ndarray, rng: np.random.Generator) -> _Draw:
    """Indexes of the working days received, due and closed, such that each outcome comes true.

    Receipt is day 0, so a dossier is due `days` working days after it.
    """
    size, today = len(outcome), calendar.today
    draw = _Draw(outcome, days, np.zeros(size, int), np.zeros(size, int), np.full(size, -1))
    latest = np.full(size, today)
    latest[draw.has("on_due_dated")] -= days[draw.has("on_due_dated")]
    late = draw.has("late", "overdue")
    latest[late] -= days[late] + 1

    # Of what came in lately, part is still open: the closed ones thin out towards today.
    age = np.arange(today, -1, -1)
    busy = np.cumsum(calendar.season() * (1 - np.exp(-(age + 0.7) / 4)))
    received = np.searchsorted(busy, rng.random(size) * busy[latest], side="right")
    recent = draw.has("paused", "within_undated", "registered", "overdue")
    received[recent] = latest[recent] - rng.geometric(0.07, recent.sum())
    within = draw.has("within_dated")
    received[within] = today - np.floor(rng.random(within.sum()) * (days[within] + 1))
    draw.received = np.clip(received, 0, latest)
    draw.due = draw.received + days

    swift = np.floor(rng.random(size) ** 1.6 * days).astype(int)
    closed = np.select(
        [draw.has("early", "on_due_undated", "deleted"), draw.has("on_due_dated"), draw.has("late"),
         draw.has("withdrawn")],
        [draw.received + swift, draw.due, draw.due + rng.geometric(0.28, size),
         draw.received + np.minimum(rng.geometric(0.25, size) - 1, days + 6)],
        default=-1,
    )  # fmt: skip
    draw.closed = np.minimum(closed, today)
    return draw


def _receive(plan: Plan, draw: _Draw, calendar: Calendar, rng: np.random.Generator) -> None:
    """Submission, receipt and due date. Some online dossiers are received on days off: the clock then starts
    on the working day before, so that their first counted day is the next working day."""
    size = len(draw.outcome)
    online = plan["channel"] == "online"
    off = calendar.next_is_off(draw.received)
    open_or_later = np.where(draw.closed < 0, calendar.today, draw.closed) > draw.received
    weekend = online & (off > 0) & open_or_later & (rng.random(size) < 0.12)
    shift = np.where(weekend, 1 + np.floor(rng.random(size) * off), 0).astype(int)
    received = calendar.days[draw.received] + shift * DAY + office_time(rng, size)
    waited = np.minimum(rng.exponential(7 * 3600, size), 40 * 3600).astype(int) + 120
    created = np.where(online, received - waited.astype("timedelta64[s]"), received)
    plan["created_at"] = created
    plan["received_at"] = received
    plan["accepted_since"] = received.copy()
    undated = draw.has("on_due_undated", "within_undated")
    plan["due_at"] = np.where(undated, NEVER, calendar.days[draw.due] + _DUE_TIME)
    handled = received + rng.integers(20 * 60, 20 * 3600, size).astype("timedelta64[s]")
    plan["handled_since"] = np.where(handled <= _end_of_day(calendar), handled, NEVER)


def _close(plan: Plan, draw: _Draw, calendar: Calendar, rng: np.random.Generator) -> None:
    """Completion in office hours of the closing day, hand-over then or some days later, final status."""
    size = len(draw.outcome)
    is_closed = draw.closed >= 0
    day = calendar.days[np.maximum(draw.closed, 0)]
    soonest = plan["received_at"] + rng.integers(300, 2400, size).astype("timedelta64[s]")
    completed = np.where(is_closed, np.maximum(day + office_time(rng, size), soonest), NEVER)
    plan["completed_at"] = completed
    plan["closed_since"] = completed.copy()

    withdrawn = draw.has("withdrawn")  # by status, or by the kind of result
    way = rng.choice(["7", "8", "9", "10"], size, p=[0.45, 0.25, 0.12, 0.18])
    stopped = withdrawn & np.isin(way, ("7", "8"))
    plan["end_status"] = np.where(stopped, way, "9")
    kind = np.where(rng.random(size) < 0.75, "Cấp kết quả", MISSING)
    plan["result_kind"] = np.where(withdrawn, np.where(stopped, MISSING, "Trả lại/Xin rút"), kind)

    wait = np.minimum(rng.geometric(0.55, size) - 1, 15)
    handed = draw.closed + wait
    returned = np.where(wait == 0, completed + rng.integers(60, 2400, size).astype("timedelta64[s]"),
                        calendar.days[np.clip(handed, 0, None)] + office_time(rng, size))  # fmt: skip
    returns = is_closed & ~stopped & ~(withdrawn & (way == "9")) & (handed <= calendar.today)
    returns &= rng.random(size) < 0.93
    plan["returned_at"] = np.where(returns, returned, NEVER)
    plan["returned_since"] = plan["returned_at"].copy()


def _pause(plan: Plan, draw: _Draw, calendar: Calendar, rng: np.random.Generator) -> None:
    """Requests for supplement: still running ones, and past ones, some of which moved the due date in
    time."""
    size = len(draw.outcome)
    plan["paused_from"], plan["paused_to"] = np.full(size, NEVER), np.full(size, NEVER)
    plan["paused_status"] = np.where(rng.random(size) < 0.8, "5", "6")
    now = _end_of_day(calendar)
    running = draw.has("paused")
    waiting = rng.random(size) * (now - plan["received_at"]).astype(int)
    plan["paused_from"][running] = (plan["received_at"] + waiting.astype("timedelta64[s]"))[running]

    past = (draw.closed - draw.received >= 4) & (rng.random(size) < 0.12)
    plan["paused_from"][past] = (calendar.days[draw.received + 1] + office_time(rng, size))[past]
    plan["paused_to"][past] = (calendar.days[np.maximum(draw.closed - 1, 0)] + office_time(rng, size))[past]
    moved = past & draw.has("early") & (draw.due - draw.closed >= 2) & (rng.random(size) < 0.08)
    plan["due_first"][moved] = (calendar.days[draw.due - 1] + _DUE_TIME)[moved]
    plan["due_moved_since"][moved] = plan["paused_to"][moved]


def _leave_uncounted(plan: Plan, draw: _Draw, calendar: Calendar, rng: np.random.Generator) -> None:
    """Dossiers that no report counts: only registered, refused, deleted later, received in a far future."""
    now = _end_of_day(calendar)
    never_accepted = draw.has("registered", "refused")
    for column in ("received_at", "accepted_since", "due_at", "handled_since"):
        plan[column][never_accepted] = NEVER
    refused = draw.has("refused")
    plan["refused_since"][refused] = np.minimum(plan["created_at"] + DAY, now)[refused]
    deleted = draw.has("deleted")
    gone = plan["created_at"] + rng.integers(1, 60, len(deleted)).astype(int) * DAY
    plan["deleted_since"][deleted] = np.minimum(gone, now)[deleted]
    future = draw.has("not_yet_received")
    plan["received_at"][future] += 366 * DAY
    plan["due_at"][future] += 366 * DAY
    plan["is_irregular"][future] = True


def _end_of_day(calendar: Calendar) -> np.datetime64:
    """The moment on the last day after which nothing happens."""
    return calendar.days[calendar.today] + np.timedelta64(18 * 3600, "s")
