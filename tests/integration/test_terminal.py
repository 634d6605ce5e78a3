"""What a person sees at a terminal, and what a pipe gets of the same question."""

from __future__ import annotations

import csv
import io
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from orchestration.settings import PROJECT_DIR

WIDE = 100


@pytest.fixture
def at_a_terminal(tmp_path: Path) -> Callable[..., list[str]]:
    """The command in a process of its own, its output a terminal of 100 columns; gives the lines on it."""

    def run(*words: object) -> list[str]:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, WIDE))
        started = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", *map(str, words)], cwd=tmp_path, stdin=subprocess.DEVNULL,
            stdout=theirs, stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(PROJECT_DIR)},
        )  # fmt: skip
        os.close(theirs)
        seen = b""
        with suppress(OSError):  # the end of a terminal
            while chunk := os.read(ours, 1 << 16):
                seen += chunk
        os.close(ours)
        assert started.wait() == 0, started.stderr and started.stderr.read()
        return seen.decode().splitlines()

    return run


def test_kpi_alone_is_one_screen(
    at_a_terminal: Callable, ask: Callable[..., str], home: Path, release: duckdb.DuckDBPyConnection
) -> None:
    headline = release.execute("select kpi_code, name_vi from marts.kpi_catalogue where is_headline").fetchall()
    [(known,)] = release.execute("select count(*) from marts.kpi_catalogue").fetchall()
    [period, header, *figures, rest] = at_a_terminal("kpi", "--home", home)
    assert period == "2023-01-01 to 2023-07-31, as known on 2023-07-31"
    assert header.split() == ["KPI", "name", "value", "unit"]
    assert [line.split()[0] for line in figures] == [code for code, _ in headline] and len(headline) > 8
    assert all(dict(headline)[line.split()[0]][:20] in line and len(line) <= WIDE for line in figures)
    assert rest == f"{len(headline)} of {known} KPIs: name others, or add --all"
    everything = at_a_terminal("kpi", "--home", home, "--all")
    in_a_pipe = ask("kpi", "--home", home).splitlines()
    as_csv = list(csv.DictReader(io.StringIO(ask("kpi", "--home", home, "--format", "csv"))))
    assert len(everything) - 2 == len(in_a_pipe) - 1 == len(as_csv) > len(headline)
    assert in_a_pipe == ask("kpi", "--home", home, "--all").splitlines()
    assert in_a_pipe[0].split()[:3] == ["kpi_code", "scope_type", "scope_code"]


def test_other_tables_fit_the_terminal(at_a_terminal: Callable, home: Path) -> None:
    question = "select dossier_code, source_file, 1234567 as n, 2023 as year from fct_dossiers order by all"
    lines = at_a_terminal("query", question, "--home", home)
    assert len(lines) == 16 and lines[1].split()[2:] == ["1.234.567", "2023"]
    assert all(len(line) <= WIDE for line in lines)
    told = at_a_terminal("history", "H99.02-230302-0006", "--home", home)
    assert len(told) > 10 and all(len(line) <= WIDE for line in told)
