"""Processes forked from one that has imported all they need, of the command and of its readers: imports are seconds of a night."""

from __future__ import annotations

import atexit
import io
import multiprocessing
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestration.ingestion.readers import ENVIRONMENT

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    [
        "orchestration.cli", "orchestration.definitions", "orchestration.runner", "orchestration.quality.suites",
        "great_expectations.expectations", "dbt.cli.main", "dbt.adapters.duckdb", "orchestration.dagster.event_log",
        "holidays.countries.vietnam",
    ]
)  # fmt: skip


def ended(
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    program: str = "",
    input: str = "",
    timeout: float = 900,
) -> subprocess.CompletedProcess[str]:
    """How the command, or a Python program, ended in a folder, with `input` on its stdin; as `subprocess.run` tells it.

    Raises subprocess.TimeoutExpired.
    """
    with TemporaryDirectory() as place:
        streams = [Path(place, name) for name in ("in", "out", "err")]
        for stream, text in zip(streams, (input, "", ""), strict=True):
            stream.write_text(text, "utf-8")
        _, out, err = streams
        process = _forks.Process(target=_run, args=(arguments, folder, environment, program, streams))
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            raise subprocess.TimeoutExpired(arguments, timeout, out.read_text("utf-8"), err.read_text("utf-8"))
        return subprocess.CompletedProcess(
            ["cchc", *arguments], process.exitcode, out.read_text("utf-8"), err.read_text("utf-8")
        )


def _run(arguments: list[str], folder: Path, environment: dict[str, str], program: str, streams: list[Path]) -> None:
    for number, path in enumerate(streams):
        os.dup2(os.open(path, os.O_RDWR), number)
    # multiprocessing has put /dev/null in its place.
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["cchc", *arguments]
    try:
        if program:
            exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
        else:
            from orchestration import cli

            cli.main()
    finally:
        atexit._run_exitfuncs()  # which a forked process leaves out


# ---------------------------------------------------------------- reading processes

# Forks a reader for each folder and descriptor that it is sent; answers with its number and a handle of it.
_FORKING = """
import os, socket, sys
from orchestration.ingestion import worker

asked = socket.socket(fileno=int(sys.argv[1]))
while True:
    folder, descriptors, *_ = socket.recv_fds(asked, 4096, 1)
    if not folder:
        break
    pid = os.fork()
    if not pid:
        asked.close()
        os.chdir(folder)
        try:
            worker.main(descriptors[0])
        finally:
            os._exit(1)
    os.close(descriptors[0])
    handle = os.pidfd_open(pid)
    socket.send_fds(asked, [b"%d" % pid], [handle])
    os.close(handle)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
"""


@cache
def _forking() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, "-P", "-c", _FORKING, str(theirs.fileno())], pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | ENVIRONMENT,
        )  # fmt: skip
    return ours


class Reading:
    """A reading process, as `orchestration.ingestion.readers.started` gives it."""

    def __init__(self, descriptor: int, folder: Path):
        socket.send_fds(_forking(), [str(folder).encode()], [descriptor])
        said, [self._handle], *_ = socket.recv_fds(_forking(), 64, 1)
        self.pid = int(said)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def wait(self) -> None:
        select.select([self._handle], [], [])
        os.close(self._handle)
