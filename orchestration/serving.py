"""`cchc serve`: Dagster's page and its daemon over one home, for as long as the machine runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from orchestration.errors import CchcError
from orchestration.home import Home
from orchestration.ingestion.landing import required
from orchestration.runner import prepare_storage
from orchestration.settings import Settings

HOST = "127.0.0.1"
_HOUSE = ["-m", "orchestration.definitions"]
_LOOKS_SECONDS, _ENDS_SECONDS = 0.5, 30


def serve(settings: Settings, port: int, announce: Callable[[str, str], object]) -> None:
    """Serve until SIGTERM or SIGINT. The page listens on this machine alone; whoever may reach it may start runs.

    What the two processes say goes where this one's output goes. Raises UsageError for a home or landing folder that
    cannot be used, CchcError when one of them ends by itself.
    """
    home = Home.for_writing(settings)
    landing = required(settings.landing)
    prepare_storage(home)
    environment = os.environ | {
        "CCHC_HOME": str(home.root),
        "CCHC_LANDING": str(landing.absolute()),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    commands = {
        "page": ["dagster-webserver", "--host", HOST, "--port", str(port), *_HOUSE],
        "daemon": ["dagster-daemon", "run", *_HOUSE],
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


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """End each with all that it started: runs, too, go on in processes of its session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_ENDS_SECONDS)
