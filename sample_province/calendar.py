"""Working days, office hours and the seasons of the one-stop shop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import holidays
import numpy as np

DAY = np.timedelta64(86400, "s")
_MORNING = (7 * 3600, 11 * 3600 + 1800)
_AFTERNOON = (13 * 3600 + 1800, 17 * 3600)
_WEEKDAY = (1.20, 1.05, 1.0, 0.95, 0.85, 0.5, 0.5)
_MONTH = (1.0, 1.02, 1.06, 0.98, 1.0, 1.05, 1.08, 1.12, 1.0, 0.98, 1.0, 1.0)


@dataclass(frozen=True)
class Calendar:
    """The working days from the first of the period to well after `today`, which is one of them.

    `days` is datetime64[s] at midnight, ascending; `today` the index of the day the sample ends on.
    """

    days: np.ndarray
    today: int

    @classmethod
    def between(cls, first: date, today: date, reach_days: int = 200) -> Calendar:
        """Working days of Vietnam, swapped ones included (package holidays). ValueError if today is off."""
        off = holidays.country_holidays("VN", years=range(first.year, today.year + 2))
        span = (today - first).days + reach_days
        days = [d for n in range(span) if off.is_working_day(d := first + timedelta(days=n))]
        return cls(np.array(days, dtype="datetime64[s]"), days.index(today))

    def season(self) -> np.ndarray:
        """How busy each working day up to today is: weekday, month, the slump around Tết and its wake."""
        days = self.days[: self.today + 1]
        weekday = (days.astype("datetime64[D]").astype(int) + 3) % 7
        month = days.astype("datetime64[M]").astype(int) % 12
        weight = np.take(_WEEKDAY, weekday) * np.take(_MONTH, month)
        gap = np.diff(days, append=days[-1:] + DAY) / DAY
        for long_break in np.flatnonzero(gap >= 5).tolist():
            weight[max(0, long_break - 4) : long_break + 1] *= np.linspace(0.9, 0.45, min(5, long_break + 1))
            after = weight[long_break + 1 : long_break + 9]
            after *= np.linspace(0.5, 1.15, 8)[: len(after)]
        return weight

    def next_is_off(self, index: np.ndarray) -> np.ndarray:
        """Days off (0 or more) that follow each working day."""
        return (np.diff(self.days) / DAY).astype(int)[index] - 1


def office_time(rng: np.random.Generator, size: int) -> np.ndarray:
    """A second of the office day for each of `size` cases, as timedelta64[s]; mornings are busier."""
    morning = rng.random(size) < 0.58
    seconds = np.where(morning, rng.integers(*_MORNING, size), rng.integers(*_AFTERNOON, size))
    return seconds.astype("timedelta64[s]")
