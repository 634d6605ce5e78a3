"""What a command can end with, and what may be said of it. Exit codes: docs/published-interface.md 1."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager


class CchcError(Exception):
    """An error that a person can act on: one clear line, exit code 1.

    `passes` when the same run may succeed later with nothing corrected: a share comes back, a disk is freed.
    """

    exit_code = 1
    passes = False


class UsageError(CchcError):
    """Wrong usage or settings: nothing was touched."""

    exit_code = 2


class LandingAway(UsageError):
    """The landing folder is not there, as when the share that it lies on is away."""

    passes = True


class DiskFull(CchcError):
    """Something could not be written for want of room."""

    passes = True


class PublicationBlocked(CchcError):
    """Built, but a blocking check failed; the last release stands."""

    exit_code = 3


class HomeBusy(CchcError):
    """Another run holds the home."""

    exit_code = 4


class ReleaseDamaged(CchcError):
    """A published release that is not what its manifest says."""


_DATABASE_ERROR = re.compile(r"\b([A-Z]\w*(?: [A-Za-z]\w*)*? Error): ([^\n]*)")
# What these say is of files, memory and names in our SQL; the text of any other can quote a cell.
_TELLING = ("IO Error", "Out of Memory Error", "Catalog Error", "Binder Error", "Parser Error", "Permission Error")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_TEXT = re.compile(
    r"No space left on device|Disk quota exceeded|File too large|failed to offload data block|"
    r"database or disk is full|disk I/O error",  # SQLite, in which Dagster keeps its runs
    re.I,
)


def told(error: BaseException) -> str:
    """What may be said of an error: our own words, the system's; of a library's error its kind, for it can quote."""
    if isinstance(error, CchcError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if type(error).__module__.partition(".")[0] in ("duckdb", "_duckdb"):
        return told_by_database(str(error))
    return _kind(error)


def told_by_database(message: str) -> str:
    """What may be said of a message of DuckDB, also inside dbt's: its kind, and its text where no cell can be in it."""
    found = _DATABASE_ERROR.search(message)
    if found is None:
        return "Error"
    kind, text = found.groups()
    if kind not in _TELLING:
        return kind
    return f"{kind}: {text}" if kind == "IO Error" else f"{kind}: " + re.sub(r"'[^']*'", "'…'", text)


def is_full_disk(error: BaseException | str) -> bool:
    """Whether a write failed for want of room on the disk, or of what the user may fill of it."""
    if isinstance(error, OSError) and error.errno is not None:  # shutil's only lists others
        return error.errno in _FULL
    return bool(_FULL_TEXT.search(str(error)))


@contextmanager
def writing(what: object) -> Iterator[None]:
    """Say of a full disk what was being written. Raises CchcError for it, any other error as it is."""
    try:
        yield
    except Exception as error:
        if isinstance(error, CchcError) or not is_full_disk(error):
            raise
        raise full_disk(what) from None


def full_disk(what: object) -> DiskFull:
    return DiskFull(
        f"the disk is full, or fails, while writing {what}: nothing was published, the last release stands; "
        "make room and run the command again"
    )


@contextmanager
def plainly(stage: str) -> Iterator[None]:
    """Let nothing but what may be said out of a step: Dagster keeps whatever a step raises, causes and all."""
    try:
        yield
    except Exception as error:
        ours = error if isinstance(error, CchcError) else CchcError(f"{stage} ended with {told(error)}")
        ours.__cause__ = None
        raise ours.with_traceback(error.__traceback__) from None


def _kind(error: BaseException) -> str:
    place, frame = "", error.__traceback__
    while frame is not None:
        module = frame.tb_frame.f_globals.get("__name__", "")
        if module.startswith("orchestration"):
            place = f" in {module}, line {frame.tb_lineno}"
        frame = frame.tb_next
    return type(error).__name__ + place
