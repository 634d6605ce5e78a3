"""What is true to life and not as it should be: a little of each dossier flag of section 5.

Each irregularity changes what the system shows, or since when, on a few dossiers that stay in their bucket
as of the last day. `province_wide` are the stamps of the exports that hold every change of the whole
province (datetime64[s], ascending): a dossier's state is seen at the first of them that follows it.
"""

from __future__ import annotations

import numpy as np

from sample_province.calendar import DAY, Calendar
from sample_province.dossiers import NEVER, Plan
from sample_province.province import Province

_HOUR = np.timedelta64(3600, "s")


def make_irregular(
    plan: Plan, province: Province, calendar: Calendar, province_wide: np.ndarray, scale: float,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Changes `plan` in place. Counts are those of scale 1.0, shrunk with it, at least one of each kind where
    a fitting dossier exists."""
    received, due, completed = plan["received_at"], plan["due_at"], plan["completed_at"]
    received_on, due_on, completed_on = _day(received), _day(due), _day(completed)
    is_open, counted = np.isnat(completed), ~np.isnat(received) & np.isnat(plan["deleted_since"])
    counted &= received_on <= calendar.days[calendar.today]
    waiting = is_open & np.isnat(plan["paused_from"])
    resolved = counted & ~is_open & (plan["end_status"] == "9") & (plan["result_kind"] != "Trả lại/Xin rút")
    stopped = counted & ~is_open & (plan["end_status"] != "9")
    early, late, on_due = (resolved & test for test in (completed_on < due_on, completed_on > due_on,
                                                        completed_on == due_on))  # fmt: skip
    seen_open = _next(province_wide, received)
    seen_closed = _next(province_wide, plan["closed_since"])
    end = province_wide[-1]
    free = counted & np.isnat(plan["due_moved_since"])

    def take(fitting: np.ndarray, count: int) -> np.ndarray:
        candidates = np.flatnonzero(fitting & free)
        chosen = rng.choice(candidates, min(len(candidates), max(1, round(count * scale))), replace=False)
        free[chosen] = False
        plan["is_irregular"][chosen] = True
        return chosen

    def not_returned(rows: np.ndarray) -> None:
        plan["returned_at"][rows] = plan["returned_since"][rows] = NEVER

    def known_later(rows: np.ndarray, since: np.ndarray) -> None:
        not_returned(rows)
        plan["closed_since"][rows] = since

    # closed_without_end_date: such a dossier counts from the day an export first shows it closed.
    in_time = early & (_day(seen_closed) < due_on)
    for fitting, count in ((in_time, 30), (late, 10), (stopped, 20)):
        rows = take(fitting, count)
        plan["completed_at"][rows] = plan["returned_at"][rows] = NEVER
        plan["returned_since"][rows] = NEVER

    rows = take(early & (received_on > calendar.days[20]), 25)  # completed_before_received
    plan["completed_at"][rows] = received[rows] - rng.integers(2, 9, len(rows)) * DAY
    rows = take(late & (due_on > calendar.days[0] + 30 * DAY), 20)  # due_before_received: last year's date
    plan["due_at"][rows] = due[rows] - 365 * DAY
    rows = take(early & ~np.isnat(plan["returned_at"]), 30)  # returned_before_completed
    plan["returned_at"][rows] = completed[rows] - DAY
    rows = take(resolved & ~np.isnat(plan["returned_at"]), 40)  # returned_without_return_date
    plan["returned_at"][rows] = NEVER
    rows = take(stopped & (seen_closed + 60 * DAY < end), 8)  # received_after_export
    plan["received_at"][rows] = seen_closed[rows] + rng.integers(10, 40, len(rows)) * DAY
    rows = take(late & (seen_closed + 4 * DAY < end), 15)  # completed_after_export
    plan["completed_at"][rows] = seen_closed[rows] + 2 * DAY
    not_returned(rows)
    rows = take(waiting & (due_on > _day(end)) & (received < end - 2 * DAY), 3)
    plan["completed_at"][rows] = due[rows]  # closed ahead of time: still open on the last day
    plan["closed_since"][rows] = end - 5 * _HOUR

    listed = np.flatnonzero(province.procedures["is_listed"])[-1]
    rows = take(resolved, 60)  # unknown_procedure
    plan["procedure"][rows] = rng.integers(listed + 1, len(province.procedures["level"]), len(rows))
    rows = take(resolved & (province.agencies["level"][plan["agency"]] == "huyện"), 25)
    plan["agency"][rows] = len(province.agencies["level"]) - 1  # unknown_agency
    rows = take(resolved, 80)  # code_date_mismatch: re-coded on the way in, the old code beside it
    old_day = plan["code_day"][rows] - rng.integers(30, 300, len(rows)).astype("timedelta64[D]")
    plan["code_day"][rows], plan["code_base"][rows] = old_day, 50_000
    plan["other_code"][rows] = [f"MC-{number:07d}" for number in rng.integers(0, 10**7, len(rows))]

    # deadline_moved_after_breach: an export shows it open past its due day, a later one with a later due day.
    breach = _day(seen_open) - DAY
    still_open = plan["closed_since"] > seen_open + 2 * DAY
    rows = take(early & (breach > received_on) & (breach < due_on) & still_open, 160)
    plan["due_first"][rows] = breach[rows] + 17 * _HOUR
    plan["due_moved_since"][rows] = seen_open[rows] + 30 * _HOUR

    # completion_backdated, completion_equals_due: an export after the day still shows it open.
    shown_open_after = (seen_open == seen_closed) & (seen_open + 2 * DAY < end)
    rows = take(early & shown_open_after & (completed_on < _day(seen_open)), 120)
    known_later(rows, seen_open[rows] + rng.integers(9, 40, len(rows)) * _HOUR)
    rows = take(on_due & shown_open_after & (due_on < _day(seen_open)), 60)
    known_later(rows, seen_open[rows] + rng.integers(9, 40, len(rows)) * _HOUR)
    plan["completed_at"][rows] = due[rows]

    # reopened
    rows = take(waiting & (seen_open + 2 * DAY < end) & (received + 3 * _HOUR < seen_open), 90)
    plan["closed_once_at"][rows] = received[rows] + 2 * _HOUR
    plan["reopened_since"][rows] = seen_open[rows] + 30 * _HOUR
    # received_date_moved
    rows = take(resolved & still_open & (received_on > calendar.days[0] + 10 * DAY), 70)
    plan["received_first"][rows] = received[rows] - rng.integers(1, 5, len(rows)) * DAY
    plan["received_moved_since"][rows] = seen_open[rows] + 30 * _HOUR


def _day(moment: np.ndarray) -> np.ndarray:
    return moment.astype("datetime64[D]").astype("datetime64[s]")


def _next(stamps: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """The first of `stamps` not before each moment; NaT for NaT."""
    known = ~np.isnat(moment)
    found = np.full(moment.shape, NEVER)
    found[known] = stamps[np.minimum(np.searchsorted(stamps, moment[known]), len(stamps) - 1)]
    return found
