"""docs/runbook.md: each command is one that an operator can run, each exit code and each alert has its answer."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration import errors
from orchestration.interrupts import KEYBOARD
from orchestration.settings import PROJECT_DIR

pytestmark = pytest.mark.slow

TEXT = (PROJECT_DIR / "docs/runbook.md").read_text("utf-8")
COMMANDS = list(
    dict.fromkeys(c for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.M | re.S) for c in block.splitlines())
)


def test_its_commands_answer(
    cchc: Callable, landing_and_home: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the golden home, whose dossier it names; the doctor finds it well."""
    landing, home = landing_and_home
    monkeypatch.setenv("CCHC_LANDING", str(landing))
    monkeypatch.setenv("CCHC_HOME", str(home))
    assert len(COMMANDS) > 8
    for command in COMMANDS:
        program, *words = shlex.split(command)
        ended = cchc(*words)
        assert (program, ended.returncode, ended.stderr) == ("cchc", 0, ""), (command, ended.stdout, ended.stderr)
        assert ended.stdout.strip(), command
    assert {p.name[7:] for p in (home / "releases").iterdir()} == {"2023-06-30", "2023-07-31"}


def test_every_exit_code_is_answered() -> None:
    ours = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.CchcError)
    }
    answered = {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.M)}
    assert answered == {0, KEYBOARD, *ours}
