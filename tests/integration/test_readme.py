"""Every command of the README, run in its order on a small province."""

from __future__ import annotations

import csv
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR
from tests.support import warm

pytestmark = pytest.mark.slow

BLOCKS = re.findall(r"^```sh\n(.*?)^```", (PROJECT_DIR / "README.md").read_text("utf-8"), re.M | re.S)
COMMANDS = [line.split("  #")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()]
CCHC = ".venv/bin/cchc"
# Started as the README says it, by the script that is installed; the others, forked from a process that has imported all.
COLD = [command for command in COMMANDS if command.startswith(f"{CCHC} status")]
MAKE = ["make", "--no-print-directory", "-C", PROJECT_DIR, f"BIN={Path(sys.executable).parent}"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands run: a place that looks like the project's folder after `make setup`."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="module")
def said(folder: Path) -> dict[str, str]:
    """What each command printed, all of them having ended with exit code 0."""
    out: dict[str, str] = {}
    as_users_have_it = {name: value for name, value in os.environ.items() if name != "CCHC_THREADS"}
    for command in COMMANDS:
        file = rejected_file(folder) if "FILE" in command else ""
        words = list(map(str, arguments(command, folder, file)))
        if words[0] == CCHC and command not in COLD:
            ended = warm.ended(words[1:], folder, as_users_have_it)
        else:
            ended = subprocess.run(words, cwd=folder, env=as_users_have_it, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
        out[command] = ended.stdout
    return out


def arguments(command: str, folder: Path, file: str) -> list[object]:
    words = shlex.split(command.replace("dossiers/FILE", file).replace("/srv/cchc/", "demo/"))
    if words[:2] == ["make", "demo"]:
        return [*MAKE, "-o", "setup", "demo", "SCALE=0.01", f"DEMO={folder / 'demo'}"]
    if words[0] == "make":
        # Setting up again, or testing inside a test, would tell nothing: that the target is there does.
        return [*MAKE, "--dry-run", *words[1:]]
    return words


def rejected_file(folder: Path) -> str:
    with duckdb.connect(str(folder / "demo/home/current/cchc.duckdb"), read_only=True) as con:
        [(file,)] = con.execute(
            "select min(source_file) from marts.dq_rejected_rows where source = 'dossiers'"
        ).fetchall()
    return file


def test_the_two_commands_end_in_a_release_and_the_articles_table(said: dict[str, str]) -> None:
    demo = said["make demo"]
    assert [line.split()[0] for line in demo.splitlines()[:5]] == ["sample", "ingest", "build", "check", "publish"]
    assert "Báo cáo CCHC Kiên Giang" in demo and "khác" not in demo
    assert demo.splitlines()[-1].startswith("release: ")
    assert "pytest" in said["make test"]


def test_questions_are_answered(said: dict[str, str]) -> None:
    [status] = [printed for words, printed in said.items() if "cchc status" in words]
    assert "blocks" not in status and "dossiers" in status
    [by_channel] = [printed for words, printed in said.items() if "--by channel" in words]
    assert {line.split()[2] for line in by_channel.splitlines()[1:]} == {"direct", "online", "postal"}
    [rates] = [list(csv.DictReader(io.StringIO(printed))) for words, printed in said.items() if "on_time_rate" in words]
    assert len(rates) > 100 and {row["as_of"] for row in rates} == {"2023-09-30"}
    [overdue] = [
        list(csv.DictReader(io.StringIO(printed))) for words, printed in said.items() if "cchc explain" in words
    ]
    assert len({row["entity_code"] for row in overdue}) == len(overdue) > 0


def test_a_pack_is_frozen_and_made_again(said: dict[str, str]) -> None:
    [submitted, verified, again] = [
        p for words, p in said.items() if re.search(r"cchc (submit|verify|reproduce)", words)
    ]
    assert "PAR-2023: frozen in " in submitted and verified.startswith("verified  ")
    assert again.splitlines()[-1].startswith("equal     ")


def test_decisions_and_rebuild_say_what_they_did(said: dict[str, str]) -> None:
    assert [p.split()[0] for words, p in said.items() if re.search(r"cchc (accept|withdraw)", words)] == [
        "accepted",
        "withdrawn",
    ]
    [rebuilt] = [printed for words, printed in said.items() if "cchc rebuild" in words]
    assert "compared  with" in rebuilt
