"""The landing folder: which files count, and when each was exported (docs/landing-contract.md 1)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

from orchestration.errors import LandingAway, UsageError
from orchestration.ingestion.decode import RejectedFile

_DATE = re.compile(r"(?<![0-9])(?=([0-9]{4})(?:([0-9]{2})([0-9]{2})|([-_])([0-9]{2})\4([0-9]{2})))")
_TIME = [
    re.compile(r"[T_\- ]?([0-9]{2})[_\-.:]?([0-9]{2})[_\-.:]?([0-9]{2})(?![0-9])"),
    re.compile(r"[T_\- ]?([0-9]{2})[_\-.:]?([0-9]{2})(?![0-9])"),
]
_END_OF_DAY = time(23, 59, 59)
_DEEPEST = 64


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
                hour, minute, *seconds = map(int, match.groups())
                return time(hour, minute, seconds[0] if seconds else 0)
            except ValueError:
                continue
    return _END_OF_DAY


@dataclass(frozen=True)
class LandedFile:
    """One file below landing. `source_file` is its path below landing, with `/`; `source` its folder.

    `fault` says why it cannot be opened at all: what is no file, or a folder that cannot be listed.
    """

    path: Path
    source_file: str
    source: str | None
    fault: RejectedFile | None = None

    @property
    def stamp(self) -> datetime | None:
        return export_stamp(self.source_file.rsplit("/", 1)[-1])


def _ignored(name: str) -> bool:
    folded = name.lower()
    return name.startswith(("~$", ".")) or folded.endswith((".tmp", ".part")) or folded == "thumbs.db"


def required(landing: Path | None) -> Path:
    """The landing folder. Raises UsageError when there is none, LandingAway when it cannot be read now."""
    if landing is None:
        raise UsageError("no landing folder given: use --landing DIR or set CCHC_LANDING")
    if not landing.is_dir():
        raise LandingAway(f"the landing folder {landing} does not exist: create it or give another --landing")
    if not os.access(landing, os.R_OK | os.X_OK):
        raise LandingAway(f"the landing folder {landing} cannot be read: grant access or give another --landing")
    return landing


def scan(landing: Path | None, sources: set[str]) -> list[LandedFile]:
    """Every file of the landing folder that counts, ordered by source and file name (UTF-8 bytes).

    `source` is None for a file in landing's root or in an unknown folder. Raises UsageError when there is no
    landing folder.
    """
    landing = required(landing)
    found = []
    for path, fault in _walk(landing):
        below = path.relative_to(landing).as_posix()
        # A name that is no UTF-8 still needs one spelling that tables and messages can hold.
        source_file = os.fsencode(below).decode("utf-8", "backslashreplace")
        folder = next((s for s in sources if f"{below}/".startswith(f"{s}/")), None)
        found.append(LandedFile(path, source_file, folder, fault))
    return sorted(found, key=lambda f: (f.source or "", f.source_file.encode()))


def not_a_file() -> RejectedFile:
    return RejectedFile(
        "not_a_file",
        "it is a pipe, a socket, a device, or a link that leaves landing, leads nowhere or runs in a circle: "
        "land the export itself",
    )


def _walk(landing: Path) -> Iterator[tuple[Path, RejectedFile | None]]:
    """What lies below landing, with the fault of what is never opened; each folder after what lies beside it."""
    root = os.path.realpath(landing)
    folders: list[tuple[Path, tuple[str, ...]]] = [(landing, (root,))]
    while folders:
        folder, above = folders.pop()
        if len(folder.relative_to(landing).parts) > _DEEPEST:
            yield folder, RejectedFile("not_a_file", f"the folder lies below the {_DEEPEST}th level: move it up")
            continue
        try:
            with os.scandir(folder) as entries:
                listed = list(entries)
        except FileNotFoundError:  # gone since the one above it was listed
            continue
        except OSError:
            yield folder, RejectedFile("unreadable", "the folder cannot be listed: grant access to it")
            continue
        for entry in listed:
            path = Path(entry.path)
            is_folder, fault = _kind(entry, root, above)
            if is_folder:
                if not entry.name.startswith((".", "~$")):
                    folders.append((path, (*above, os.path.realpath(path))))
            elif not _ignored(entry.name):
                yield path, fault


def _kind(entry: os.DirEntry[str], root: str, above: tuple[str, ...]) -> tuple[bool, RejectedFile | None]:
    """Whether it is a folder to look into, else why it is not to be opened, if so."""
    if entry.is_symlink():
        try:
            target = os.path.realpath(entry.path, strict=True)
            leaves = os.path.commonpath([root, target]) != root
        except OSError:
            return False, not_a_file()
        if leaves or target in above:
            return False, not_a_file()
    if entry.is_dir():
        return True, None
    return False, None if entry.is_file() else not_a_file()
