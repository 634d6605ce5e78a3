"""How the command's process ends: with its code, after all that was printed and every exit handler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import atexit, sys, types
from orchestration import command

def main():
    atexit.register(print, "handler", end="")
    print("printed ", end="")
    {end}

sys.modules["orchestration.cli"] = types.ModuleType("cli")
import orchestration
orchestration.cli = sys.modules["orchestration.cli"]
orchestration.cli.main = main
command.main()
"""


def ended(end: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", PROGRAM.format(end=end)]
    return subprocess.run(program, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60)


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("pass", 0, ""), ("sys.exit()", 0, ""), ("sys.exit(3)", 3, ""), ("sys.exit('why')", 1, "why\n"),
        ("raise SystemExit(0)", 0, ""), ("raise KeyError('x')", 1, "KeyError: 'x'\n"),
    ],
)  # fmt: skip
def test_code_output_and_handlers_are_as_at_any_end(end: str, code: int, said: str) -> None:
    process = ended(end)
    assert (process.returncode, process.stdout) == (code, "printed handler")
    assert process.stderr.endswith(said)


def test_what_could_not_be_written_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        assert ended("pass", full.fileno()).returncode != 0
