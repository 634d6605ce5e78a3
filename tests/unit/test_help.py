"""`--help` and the shell: examples that the command takes, names that are completed, pages that are opened."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from orchestration.cli import cli
from orchestration.errors import UsageError
from orchestration.examples import EXAMPLES
from orchestration.publishing.releases import Release
from orchestration.reports.opening import opened, page
from orchestration.settings import PROJECT_DIR


def test_every_command_has_examples() -> None:
    assert set(EXAMPLES) == set(cli.commands) and len(EXAMPLES) > 20


@pytest.mark.parametrize("command", cli.commands)
def test_examples_are_taken_by_the_command(command: str) -> None:
    for example in EXAMPLES[command]:
        program, name, *words = shlex.split(re.sub(r" [<>] \S+$", "", example))
        assert (program, name) == ("cchc", command)
        cli.commands[command].make_context(name, words)
    with pytest.raises(click.UsageError):
        cli.commands[command].make_context(command, [*words, "--no-such-option"])


@pytest.mark.parametrize("command", cli.commands)
def test_help_fits_and_ends_with_the_examples(command: str) -> None:
    lines = CliRunner().invoke(cli, [command, "--help"], terminal_width=100).output.splitlines()
    examples = [line.strip() for line in lines[lines.index("  Examples:") + 1 :]]
    assert examples == list(EXAMPLES[command])
    assert [line for line in lines if len(line) > 120] == []


def completed(*words: str) -> list[str]:
    found = ShellComplete(cli, {}, "cchc", "_CCHC_COMPLETE").get_completions(list(words[:-1]), words[-1])
    return [item.value for item in found]


def test_names_are_completed() -> None:
    assert completed("exp") == ["explain", "export"]
    assert completed("kpi", "on_ti") == ["on_time_rate"]
    assert completed("kpi", "--kpi", "on_time_rate,pci") == [
        "on_time_rate,pci_rank", "on_time_rate,pci_rank_change"
    ]  # fmt: skip
    assert completed("export", "ho_so") == ["ho_so", "ho_so_dang_giai_quyet"]
    assert completed("export", "fct_pay") == ["fct_payments"]
    assert completed("kpi", "--by", "province,ag") == ["province,agency"]
    assert completed("kpi", "--scope", "ag") == ["agency="]
    assert completed("report", "II.06") == ["II.06a", "II.06b"]
    assert completed("open", "d") == ["dashboard", "docs"]


def test_the_shell_gets_its_script() -> None:
    environment = os.environ | {"_CCHC_COMPLETE": "zsh_source", "PYTHONPATH": str(PROJECT_DIR)}
    start = "import sys; sys.argv = ['cchc']; from orchestration.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", start], env=environment, capture_output=True, text=True, check=True)
    assert "_CCHC_COMPLETE=zsh_complete cchc" in ended.stdout


# --- pages


def test_a_page_is_found_or_missed_by_name(tmp_path: Path) -> None:
    release = Release(tmp_path, {"release_id": "000001_2023-07-31"})
    with pytest.raises(UsageError, match="no page dashboard: it has no page"):
        page(release, "dashboard")
    (tmp_path / "review").mkdir()
    (tmp_path / "review" / "index.html").touch()
    assert page(release, "review") == tmp_path / "review" / "index.html"
    with pytest.raises(UsageError, match="no page docs: it has review"):
        page(release, "docs")


def test_a_browser_opens_it_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process of its own: a browser that is a script, which notes what it is given."""
    browser, noted = tmp_path / "browser", tmp_path / "noted"
    browser.write_text(f'#!/bin/sh\necho "$1" > {noted}\n')
    browser.chmod(0o755)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert sys.platform != "linux" or not opened(tmp_path / "index.html")
    start = (
        "import sys; from pathlib import Path; from orchestration.reports.opening import opened; "
        "print(opened(Path(sys.argv[1])))"
    )
    environment = os.environ | {"BROWSER": f"{browser} %s", "PYTHONPATH": str(PROJECT_DIR)}
    told = subprocess.run(
        [sys.executable, "-c", start, tmp_path / "trang.html"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "True\n" and noted.read_text().strip() == (tmp_path / "trang.html").as_uri()
