"""What a run is asked for, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from orchestration.errors import CchcError, UsageError
from orchestration.settings import Settings, today


@dataclass(frozen=True)
class Request:
    """One run over one home as of one day. Raises UsageError for a day after today.

    A rebuild has `must_build`, and reads the lake alone when `reads_landing` is false. `make_current` shows readers
    the release also when its day is earlier than that of the current one. `tells` is whether alerts go out at its end:
    not of what a person sits before, as a submission. A run that `tries_again` tells of no failure that
    passes by itself.
    """

    settings: Settings
    as_of: date
    must_build: bool = False
    reads_landing: bool = True
    make_current: bool = False
    tells: bool = True
    tries_again: bool = False

    def __post_init__(self) -> None:
        if self.as_of > today():
            raise UsageError(
                f"--as-of {self.as_of} is after today, {today()} in Việt Nam: give today or an earlier day"
            )

    def goes_on_after(self, error: Exception) -> bool:
        """Whether the run is tried again after it ended with this error."""
        return self.tries_again and isinstance(error, CchcError) and error.passes


@dataclass(frozen=True)
class Listener:
    """Who is told: `announce(stage, text)` when a stage ended, `progress(stage, label, done, total)` meanwhile."""

    announce: Callable[[str, str], object] = lambda stage, text: None
    progress: Callable[[str, str, int, int], object] = lambda stage, label, done, total: None


SILENT = Listener()
