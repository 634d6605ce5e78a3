"""The command in a process forked from one that has imported all it needs: imports are seconds of each night."""

from __future__ import annotations

import atexit
import io
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    [
        "orchestration.cli", "orchestration.definitions", "orchestration.runner", "orchestration.quality.suites",
        "great_expectations.expectations", "dbt.cli.main", "dbt.adapters.duckdb",
    ]
)  # fmt: skip


def ended(
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    program: str = "",
    input: str = "",
    timeout: float = 300,
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
