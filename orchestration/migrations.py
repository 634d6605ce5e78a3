"""How a home that an older version made is brought to this version's format, one step after the other.

A home of an older format may be read as it is. The run that holds it migrates it before it does anything else; a newer
one is refused (`Home`). Each step may be killed and run again.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from orchestration.audit import Audit
from orchestration.errors import writing
from orchestration.home import FORMAT, Home


def migrate(home: Home) -> None:
    """Bring a home to this version's format. Only who holds it may."""
    found: int = home.marks["cchc_home_format"]
    for number in range(found, FORMAT):
        with writing(home.root):
            _STEPS[number](home)
            Audit(home).record("migrated", what=f"the home from format {number} to {number + 1}")
            home.remember(cchc_home_format=number + 1)


def _replaced_content_ages_from_now(home: Home) -> None:
    """The time of a file below `lake/_replaced` says since when it is set aside; before, it said when it was read."""
    for path in (home.lake / "_replaced").rglob("*.parquet"):
        os.utime(path)


# By the format that a step begins with.
_STEPS: dict[int, Callable[[Home], None]] = {1: _replaced_content_ages_from_now}
