"""One pass over the landing folder: what is new goes into the lake, file by file, none stopping another."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import CchcError
from orchestration.home import Home
from orchestration.ingestion.decode import RejectedFile, identity_of
from orchestration.ingestion.landing import LandedFile, not_a_file, scan
from orchestration.ingestion.pseudonyms import Pseudonyms
from orchestration.ingestion.reader import landed_as, rejected
from orchestration.ingestion.readers import Job, Readers
from orchestration.lake.files import LakeFile, Written
from orchestration.lake.store import Lake
from orchestration.settings import Settings
from orchestration.sources import all_sources

Progress = Callable[[str, int, int], object]

# So many files become part of the lake together: each time, its folders and register are written to disk.
_TOGETHER = 64
# Rejections that depend on what a reader was given, not on the bytes alone.
_READ_AGAIN = ("too_large", "too_slow")


@dataclass(frozen=True)
class IngestionReport:
    """What one pass found: files seen, the lake files it wrote, and those it wrote anew for being damaged."""

    seen: int = 0
    written: tuple[LakeFile, ...] = ()
    mended: tuple[str, ...] = ()

    @property
    def new(self) -> int:
        """How many landed files were read that the lake did not know: what one nests is of it, and no file."""
        return sum(not f.is_nested and f.source_file not in self.mended for f in self.written)

    @property
    def rows_read(self) -> int:
        return sum(f.rows_read for f in self.written)

    @property
    def rows_rejected(self) -> int:
        return sum(f.rows_rejected for f in self.written)


def ingest(settings: Settings, home: Home, lake: Lake, progress: Progress | None = None) -> IngestionReport:
    """Read every landed file that the lake does not hold yet.

    Raises UsageError for a missing landing folder or a wrong key, CchcError for a damaged register, a full disk or a
    landing folder that goes away meanwhile.
    """
    place = _place_of(settings.landing)
    landed = scan(settings.landing, set(all_sources()))
    pseudonyms = Pseudonyms.of(home, settings, lake.erased, lake_is_empty=lake.is_empty())
    tray = _Tray(lake)
    with Readers(settings, pseudonyms, home.work / "readers") as readers:
        for job, written in readers.read(_new(landed, lake, tray, progress)):
            tray.put(job.file, written)
        tray.forget_what_is_gone()
        tray.empty()
    if _place_of(settings.landing) != place:
        raise CchcError(
            f"the landing folder {settings.landing} went away while it was read: what was read is kept, nothing was "
            "published; bring the share back and run the command again"
        )
    if progress:
        progress("", len(landed), len(landed))
    return IngestionReport(len(landed), tuple(tray.written), tuple(tray.mended))


def _place_of(landing: Path | None) -> tuple[int, int] | None:
    """Which folder lies at the path now; None when there is none."""
    try:
        found = os.stat(landing or "")
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _new(landed: list[LandedFile], lake: Lake, tray: _Tray, progress: Progress | None) -> Iterator[Job]:
    """The landed files that have to be read."""
    damaged = {f.source_file for f in lake.damaged()}
    for number, file in enumerate(landed):
        if progress:
            progress(file.source_file, number, len(landed))
        try:
            if file.fault:
                raise file.fault
            identity, sha256 = identity_of(file.path), _sum_of(file)
        except FileNotFoundError:  # gone since the folder was listed
            continue
        except RejectedFile as fault:
            tray.put(file, [rejected(file, "", fault)])
            continue
        except OSError:
            closed = RejectedFile("unreadable", "the file cannot be opened: grant access to it")
            tray.put(file, [rejected(file, "", closed)])
            continue
        known = landed_as(file, sha256)
        held = lake.state.accepted.get(known.key)
        if held is None or held.sha256 != sha256:
            if not _is_refused(lake, known):
                yield Job(file, sha256, identity)
        elif file.source_file in damaged:
            tray.mended.append(file.source_file)
            yield Job(file, sha256, identity)
        else:
            tray.lift_rejection(held)


def _sum_of(file: LandedFile) -> str:
    """SHA-256 of a landed file. Raises RejectedFile when something else took its place since it was listed."""
    with open(file.path, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as bytes_of:
        if not stat.S_ISREG(os.fstat(bytes_of.fileno()).st_mode):
            raise not_a_file()
        return hashlib.file_digest(bytes_of, "sha256").hexdigest()


def _is_refused(lake: Lake, landed: LakeFile) -> bool:
    """Whether these bytes were rejected, and would be again."""
    refused = lake.state.rejected.get(landed.key)
    return (
        refused is not None
        and refused.sha256 == landed.sha256
        and refused.declaration == landed.declaration
        and refused.reason_code not in _READ_AGAIN
    )


class _Tray:
    """Lake files that are made and wait to become part of the lake together."""

    def __init__(self, lake: Lake):
        self.lake = lake
        self.written: list[LakeFile] = []
        self.mended: list[str] = []
        self.waiting: list[Written] = []
        self.removed: list[LakeFile] = []
        self.unread: set[tuple] = set()

    def put(self, file: LandedFile, written: list[Written]) -> None:
        """What was made of one landed file. A rejection that the lake knows already is no news."""
        accepted, known = self.lake.state.accepted, written[0].file
        if not known.sha256:
            self.unread.add(known.key)
        if self.lake.state.rejected.get(known.key) == known:
            return
        self.waiting += written
        self.written += [one.file for one in written]
        if known.status == "accepted" and file.source:
            made = {one.file.key for one in written}
            nested = [(n.source, file.source_file) for n in all_sources()[file.source].nested]
            self.removed += [accepted[key] for key in nested if key in accepted and key not in made]
        if len(self.waiting) >= _TOGETHER:
            self.empty()

    def lift_rejection(self, held: LakeFile) -> None:
        """The name bears its accepted content again."""
        if refused := self.lake.state.rejected.get(held.key):
            self.removed.append(refused)

    def forget_what_is_gone(self) -> None:
        """Folders that could not be listed, pipes and the like are known only while they are there."""
        self.empty()
        refused = self.lake.state.rejected.values()
        self.removed += [f for f in refused if not f.sha256 and f.key not in self.unread]

    def empty(self) -> None:
        self.lake.take_in(self.waiting, self.removed)
        self.waiting, self.removed = [], []
