"""`cchc serve`: Dagster's page and its daemon over one home, for as long as the machine runs."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestration.errors import CchcError, HomeBusy, UsageError
from orchestration.home import Home
from orchestration.ingestion.landing import required
from orchestration.runner import prepare_storage
from orchestration.settings import Settings

HOST = "127.0.0.1"
_HOUSE = ["-m", "orchestration.definitions"]
# Each look at queue, schedule and landing is a line else: thousands a day.
_LOGS = ["warning", "--code-server-log-level", "warning"]
_LOOKS_SECONDS, _ENDS_SECONDS = 0.5, 30


def serve(settings: Settings, port: int, announce: Callable[[str, str], object]) -> None:
    """Serve until SIGTERM or SIGINT. The page listens on this machine alone; whoever may reach it may start runs.

    What the two processes say goes where this one's output goes. Raises UsageError for a home, a landing folder or a
    port that cannot be used, HomeBusy when the home is served already, CchcError when one of them ends by itself.
    """
    home = Home.for_writing(settings)
    landing = required(settings.landing)
    with _alone(home) as handle:
        _require_free(port)
        prepare_storage(home)
        _serve(home, landing, port, announce, handle)


def _serve(home: Home, landing: Path, port: int, announce: Callable[[str, str], object], handle: int) -> None:
    environment = os.environ | {
        "CCHC_HOME": str(home.root),
        "CCHC_LANDING": str(landing.absolute()),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    commands = {
        "page": ["dagster-webserver", "--host", HOST, "--port", str(port), "--dagster-log-level", *_LOGS, *_HOUSE],
        "daemon": ["dagster-daemon", "run", "--log-level", *_LOGS, *_HOUSE],
    }
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    serving = {
        name: subprocess.Popen(
            [Path(sys.executable).with_name(command), *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[handle],
        )
        for name, (command, *options) in commands.items()
    }
    announce("serve", f"http://{HOST}:{port} for {home.root}; SIGTERM or Ctrl-C ends it")
    try:
        while not asked.wait(_LOOKS_SECONDS):
            for name, process in serving.items():
                if process.poll() is not None:
                    raise CchcError(f"the {name} ended with exit code {process.returncode}: see what it said above")
    finally:
        _end(list(serving.values()))
    announce("serve", "ended; a run that was under way is swept by the next")


@contextmanager
def _alone(home: Home) -> Iterator[int]:
    """Two daemons over one storage would start each run twice. Page and daemon hold the lock, too: should this process
    be killed, they go on. Raises HomeBusy."""
    handle = os.open(home.dagster / ".serving", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeBusy(f"another `cchc serve` serves {home.root}: end that one first") from None
        yield handle
    finally:
        os.close(handle)


def _require_free(port: int) -> None:
    """Raises UsageError for a port that the page cannot have."""
    with socket.socket() as page:
        page.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the page's own: just ended is free
        try:
            page.bind((HOST, port))
        except OSError as error:
            raise UsageError(f"port {port} of {HOST}: {error.strerror}; give another --port") from None


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """End each with all that it started: runs, too, go on in processes of its session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_ENDS_SECONDS)
