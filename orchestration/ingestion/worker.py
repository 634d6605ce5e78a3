"""The reading process: takes landed files from its parent one by one, within the bounds that it sets itself."""

from __future__ import annotations

import ctypes
import re
import resource
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb

from orchestration.errors import CchcError
from orchestration.ingestion.decode import RejectedFile, identity_of
from orchestration.ingestion.pseudonyms import Pseudonyms
from orchestration.ingestion.reader import reading_engine, rejected, take_in
from orchestration.ingestion.readers import Job
from orchestration.lake.files import Written
from orchestration.settings import Bounds, Settings, quiet_telemetry

_PR_SET_PDEATHSIG = 1
# A process that has grown so far is not kept for the next file: what it holds would count against that one.
_GROWN_BYTES = 256 << 20


def main(descriptor: int) -> None:
    """Serve the connection of this descriptor until the parent closes it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    quiet_telemetry()
    connection = Connection(descriptor)
    settings, pseudonyms, folder = connection.recv()
    _bind(settings.bounds)
    engine = reading_engine(settings, folder)
    number = 0
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        number += 1
        made = folder.parent / f"{folder.name}-{number}"
        result: list[Written] | CchcError
        try:
            with engine.cursor() as con:
                result = _read(con, settings, pseudonyms, folder, job, made)
        except CchcError as error:
            result = error
        if isinstance(result, CchcError) or result[0].file.status != "accepted":
            # It may hold what the file brought it to: the next file gets a fresh one.
            engine.close()
            engine = reading_engine(settings, folder)
        is_fresh = _most_held() < _GROWN_BYTES
        connection.send((is_fresh, result))


def _read(
    con: duckdb.DuckDBPyConnection, settings: Settings, pseudonyms: Pseudonyms, folder: Path, job: Job, made: Path
) -> list[Written]:
    written = take_in(con, job.file, job.sha256, settings.bounds, folder, str(made), pseudonyms)
    if job.sha256 and identity_of(job.file.path) != job.identity:
        for one in written:
            if one.made:
                one.made.unlink()
        changed = RejectedFile("unreadable", "the file changed while it was read: it is read again the next night")
        return [rejected(job.file, job.sha256, changed, by_itself=False)]
    return written


def _most_held() -> int:
    """The most memory that this process ever held, in bytes. Linux begins `ru_maxrss` with what its parent held."""
    try:
        [held] = re.findall(r"^VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    except (OSError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return int(held) << 10


def _bind(bounds: Bounds) -> None:
    """Memory and file sizes beyond the bounds are refused, and nothing outlives the parent."""
    resource.setrlimit(resource.RLIMIT_DATA, (bounds.memory, bounds.memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (bounds.disk, bounds.disk))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
