"""The landing folder: which files count, and when each was exported (landing contract, section 1)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

from orchestration.errors import UsageError

_DATE = re.compile(r"(?<![0-9])(?=([0-9]{4})(?:([0-9]{2})([0-9]{2})|([-_])([0-9]{2})\4([0-9]{2})))")
_TIME = [
    re.compile(r"[T_\- ]?([0-9]{2})[_\-.:]?([0-9]{2})[_\-.:]?([0-9]{2})(?![0-9])"),
    re.compile(r"[T_\- ]?([0-9]{2})[_\-.:]?([0-9]{2})(?![0-9])"),
]
_END_OF_DAY = time(23, 59, 59)


def export_stamp(base_name: str) -> datetime | None:
    """The moment in a file's base name, Asia/Ho_Chi_Minh; the end of the day where no time follows the date.

    None when the name bears no valid date of 2000 to 2100.
    """
    stamp = None
    for match in _DATE.finditer(base_name):
        year, month, day, separator, dashed_month, dashed_day = match.groups()
        try:
            found = datetime(int(year), int(dashed_month or month), int(dashed_day or day))
        except ValueError:
            continue
        if not 2000 <= found.year <= 2100:
            continue
        rest = match.start() + (10 if separator else 8)
        stamp = datetime.combine(found, _time_at(base_name, rest))
    return stamp


def _time_at(text: str, position: int) -> time:
    for pattern in _TIME:
        if match := pattern.match(text, position):
            try:
                return time(*map(int, match.groups()))
            except ValueError:
                continue
    return _END_OF_DAY


@dataclass(frozen=True)
class LandedFile:
    """One file below landing. `source_file` is its path below landing, with `/`; `source` its folder."""

    path: Path
    source_file: str
    source: str | None

    @property
    def stamp(self) -> datetime | None:
        return export_stamp(self.source_file.rsplit("/", 1)[-1])


def _ignored(name: str) -> bool:
    folded = name.lower()
    return name.startswith(("~$", ".")) or folded.endswith((".tmp", ".part")) or folded == "thumbs.db"


def required(landing: Path | None) -> Path:
    """The landing folder. Raises UsageError when there is none, or none that can be read."""
    if landing is None:
        raise UsageError("no landing folder given: use --landing DIR or set CCHC_LANDING")
    if not landing.is_dir():
        raise UsageError(f"the landing folder {landing} does not exist: create it or give another --landing")
    if not os.access(landing, os.R_OK | os.X_OK):
        raise UsageError(f"the landing folder {landing} cannot be read: grant access or give another --landing")
    return landing


def scan(landing: Path | None, sources: set[str]) -> list[LandedFile]:
    """Every file of the landing folder that counts, ordered by source and file name (UTF-8 bytes).

    `source` is None for a file in landing's root or in an unknown folder. Raises UsageError when there is no
    landing folder.
    """
    landing = required(landing)
    found = []
    for path in _walk(landing):
        below = path.relative_to(landing).as_posix()
        # A name that is no UTF-8 still needs one spelling that tables and messages can hold.
        source_file = os.fsencode(below).decode("utf-8", "backslashreplace")
        folder = next((s for s in sources if below.startswith(s + "/")), None)
        found.append(LandedFile(path, source_file, folder))
    return sorted(found, key=lambda f: (f.source or "", f.source_file.encode()))


def _walk(folder: Path, above: tuple[str, ...] = ()) -> Iterator[Path]:
    above = (*above, os.path.realpath(folder))
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda e: os.fsencode(e.name))
    for entry in listed:
        if entry.is_dir():
            # A link to a folder above it would go round for ever.
            if not entry.name.startswith((".", "~$")) and os.path.realpath(entry.path) not in above:
                yield from _walk(Path(entry.path), above)
        elif not _ignored(entry.name):
            yield Path(entry.path)
