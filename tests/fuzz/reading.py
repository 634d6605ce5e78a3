"""A process that reads generated files as the product's own reading process does, so that it may die of one."""

from __future__ import annotations

import hashlib
import hmac
import os
import resource
import shutil
import signal
import tempfile
import time
import traceback
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from orchestration.ingestion import worker
from orchestration.ingestion.landing import LandedFile
from orchestration.ingestion.pseudonyms import Pseudonyms
from orchestration.ingestion.reader import reading_engine, take_in
from orchestration.settings import Bounds, Settings, quiet_telemetry
from orchestration.sources import all_sources
from orchestration.sql import exactly

KEY = b"a key for tests, which no province uses"
# Small enough that what asks for far too much is told from what is honest (2,000 columns take 1 to 1.5 GB of
# addresses); the time is that of the product.
BOUNDS = Bounds(memory=2 << 30, disk=1 << 30, columns=2_000)
_FILES_A_PROCESS = 100


@dataclass
class Made:
    """One lake file: what it says of itself, its columns and rows."""

    says: dict[str, Any]
    columns: list[str] = field(default_factory=list)
    rows: list[tuple] = field(default_factory=list)


@dataclass
class Outcome:
    """What became of a file. `fault` is set where the reader died, hung, raised, or left something behind."""

    made: list[Made] = field(default_factory=list)
    fault: str = ""
    seconds: float = 0.0

    @property
    def kind(self) -> str:
        """In one word, for the summary."""
        if self.fault:
            return self.fault.split(":", 1)[0]
        says = self.made[0].says
        if says["status"] == "accepted":
            return "accepted" if says["rows_read"] else "accepted with 0 rows"
        return says["reason_code"] + (
            " (unforeseen)" if "cannot be read (" in says["detail"] and "content" in says["detail"] else ""
        )


def pseudonym(number: str) -> str:
    return hmac.new(KEY, number.encode(), hashlib.sha256).hexdigest()[:32]


class Reader:
    """Serves files to a child of this process; a child that dies or hangs is replaced."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self._child = 0
        self._connection: Connection | None = None
        self._served = 0

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def read(self, source_file: str, data: bytes) -> Outcome:
        if self._connection is None or self._served >= _FILES_A_PROCESS:
            self._end()
            self._start()
        assert self._connection is not None
        self._served += 1
        patience = BOUNDS.seconds + len(data) // BOUNDS.bytes_per_second
        try:
            self._connection.send((source_file, data))
            if not self._connection.poll(patience):
                self._end()
                return Outcome(fault=f"hang: more than {patience} s")
            return self._connection.recv()
        except (EOFError, ConnectionError):
            return Outcome(fault=f"crash: {self._end()}")

    def _start(self) -> None:
        self._connection, theirs = Pipe()
        self._served = 0
        self._child = os.fork()
        if not self._child:
            try:
                self._connection.close()
                _serve(theirs, self.folder)
            finally:
                os._exit(0)
        theirs.close()

    def _end(self) -> str:
        """How the child ended."""
        if self._connection is None:
            return ""
        self._connection.close()
        self._connection = None
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            ended, status = os.waitpid(self._child, os.WNOHANG)
            if ended:
                return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"
            time.sleep(0.01)
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)
        return "killed"


def _held() -> int:
    """Bytes of data that this process holds, as RLIMIT_DATA counts them."""
    return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()


def _serve(connection: Connection, folder: Path) -> None:
    quiet_telemetry()
    worker._bind(replace(BOUNDS, memory=BOUNDS.memory + _held()))  # forked, it begins with all that its parent holds
    settings = replace(Settings.load(env={}), threads=1, bounds=BOUNDS)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    while True:
        try:
            source_file, data = connection.recv()
        except EOFError:
            return
        with tempfile.TemporaryDirectory(dir=folder) as work:
            before = time.process_time()
            outcome = _outcome(settings, Path(work), source_file, data)
            outcome.seconds = time.process_time() - before
        connection.send(outcome)


def _outcome(settings: Settings, root: Path, source_file: str, data: bytes) -> Outcome:
    work = root / "work"
    work.mkdir()
    landed = root / "landed"
    landed.write_bytes(data)
    source = source_file.rsplit("/", 1)[0]
    file = LandedFile(landed, source_file, source if source in all_sources() else None)
    try:
        with reading_engine(settings, work) as con:
            sha256 = hashlib.sha256(data).hexdigest()
            written = take_in(con, file, sha256, settings.bounds, work, str(work / "made"), Pseudonyms(KEY, contexts=1))
            outcome = Outcome()
            for one in written:
                made = Made(one.file.values())
                if one.made:
                    found = con.execute("from read_parquet(?)", [exactly(one.made)])
                    made.columns = [d[0] for d in found.description]
                    made.rows = found.fetchall()
                outcome.made.append(made)
    except BaseException as error:
        return Outcome(fault=f"raised: {type(error).__name__} at {traceback.extract_tb(error.__traceback__)[-1].name}")
    if left := {p.name for p in work.rglob("*")} - {one.made.name for one in written if one.made} - {"spill"}:
        outcome.fault = f"left behind: {sorted(left)}"
    return outcome
