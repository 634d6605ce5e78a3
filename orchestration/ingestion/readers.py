"""Reading processes: each reads one landed file at a time within bounds, and dies alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from orchestration.errors import CchcError
from orchestration.ingestion.decode import RejectedFile
from orchestration.ingestion.landing import LandedFile
from orchestration.ingestion.pseudonyms import Pseudonyms
from orchestration.ingestion.reader import rejected
from orchestration.lake.files import Written
from orchestration.settings import PROJECT_DIR, Bounds, Settings

_MOST = 4


@dataclass(frozen=True)
class Job:
    """One landed file to read: the sum of its bytes, and `decode.identity_of` when they were summed."""

    file: LandedFile
    sha256: str
    identity: tuple[int, ...]

    def seconds(self, bounds: Bounds) -> int:
        """How long it may take."""
        return bounds.seconds + self.identity[2] // bounds.bytes_per_second


# Arrow's own pool would reserve more address space than a reader is given.
ENVIRONMENT = {"PYTHONPATH": str(PROJECT_DIR), "ARROW_DEFAULT_MEMORY_POOL": "system"}


def started(descriptor: int, folder: Path) -> subprocess.Popen[bytes]:
    """A process that serves the connection of this descriptor from now on (`worker.main`), at work in the folder."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "orchestration.ingestion.worker", str(descriptor)],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=os.environ | ENVIRONMENT,
    )


class Readers:
    """A handful of reading processes below one folder, started as they are needed."""

    def __init__(self, settings: Settings, pseudonyms: Pseudonyms, folder: Path):
        self.settings = settings
        self.pseudonyms = pseudonyms
        self.folder = folder
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.most = min(_MOST, cores, settings.threads or cores)
        self._idle: list[_Process] = []
        self._busy: dict[Connection, _Process] = {}
        self._started = 0

    def __enter__(self) -> Readers:
        self.folder.mkdir(mode=0o700)
        return self

    def __exit__(self, *_: object) -> None:
        for process in [*self._idle, *self._busy.values()]:
            process.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def read(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, list[Written]]]:
        """The lake files made of each job, in the order in which they are done; they wait below the folder.

        Raises CchcError when the home's disk is full.
        """
        waiting: Iterator[Job] | None = iter(jobs)
        while waiting is not None or self._busy:
            while waiting is not None and len(self._busy) < self.most:
                job = next(waiting, None)
                if job is None:
                    waiting = None
                else:
                    process = self._idle.pop() if self._idle else self._start()
                    process.give(job)
                    self._busy[process.connection] = process
            soonest = min((p.deadline for p in self._busy.values()), default=None)
            patience = None if soonest is None else max(soonest - time.monotonic(), 0)
            ready = set(wait(list(self._busy), patience)) if self._busy else set()
            for process in [p for connection, p in self._busy.items() if connection in ready]:
                del self._busy[process.connection]
                yield self._done(process)
            for process in [p for p in self._busy.values() if p.deadline <= time.monotonic()]:
                del self._busy[process.connection]
                process.end()
                yield process.job, [process.too_slow()]

    def _start(self) -> _Process:
        self._started += 1
        return _Process(self.settings, self.pseudonyms, self.folder / str(self._started))

    def _done(self, process: _Process) -> tuple[Job, list[Written]]:
        try:
            is_fresh, result = process.connection.recv()
        except (EOFError, OSError):
            process.end()
            return process.job, [process.died()]
        if is_fresh:
            self._idle.append(process)
        else:
            process.end()
        if isinstance(result, CchcError):
            raise result
        return process.job, result


class _Process:
    """One reading process and the file it has in hand."""

    job: Job
    deadline: float

    def __init__(self, settings: Settings, pseudonyms: Pseudonyms, folder: Path):
        self.settings = settings
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.connection, theirs = Pipe()
        with theirs:
            self.process = started(theirs.fileno(), folder)
        self._tell((settings, pseudonyms, folder))

    def give(self, job: Job) -> None:
        self.job = job
        self.deadline = time.monotonic() + job.seconds(self.settings.bounds)
        self._tell(job)

    def _tell(self, message: Any) -> None:
        with suppress(OSError):  # it has died: what is read from it next says so
            self.connection.send(message)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.connection.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def too_slow(self) -> Written:
        seconds = self.job.seconds(self.settings.bounds)
        return self._rejected(
            "too_slow",
            f"reading it takes more than the {seconds} s that a file of its size is given: "
            "split the export, or raise CCHC_FILE_SECONDS",
        )

    def died(self) -> Written:
        return self._rejected(
            "unreadable", "the process that read it died over it: export the file again in another format"
        )

    def _rejected(self, reason_code: str, detail: str) -> Written:
        return rejected(self.job.file, self.job.sha256, RejectedFile(reason_code, detail), by_itself=False)
