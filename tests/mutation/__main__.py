"""`python -m tests.mutation [TARGET …] [--sample N] [--only ID]`: how many wrong rules the tests notice.

Prints one line per survivor and, for each target, killed of all; writes every outcome as CSV to --report. Ends with 1
when a mutant survives that `survivors.yml` does not accept with a reason.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import yaml

from orchestration.settings import PROJECT_DIR
from tests.mutation.killers import Killer, macro_killer, module_killer
from tests.mutation.operators import Mutant, of_python, of_sql

_CELLS = ("test_cells_pinned.py", "test_cells.py", "test_header.py", "test_nested.py", "test_odd_files.py")


@dataclass(frozen=True)
class Target:
    """A file, its mutants, and what has to notice them."""

    file: Path
    mutants: Callable[[str], list[Mutant]]
    killer: Callable[[], AbstractContextManager[Killer]]


def _module(path: str, *tests: str, seconds: int = 90) -> Target:
    module = f"orchestration.ingestion.{path.replace('/', '.')}"
    paths = tuple(str(PROJECT_DIR / "tests/unit/ingestion" / test) for test in tests)
    return Target(
        PROJECT_DIR / f"orchestration/ingestion/{path}.py", of_python, lambda: module_killer(module, paths, seconds)
    )


_STATE = PROJECT_DIR / "macros/dossier_state.sql"
_FIGURES = PROJECT_DIR / "macros/figures/dossiers.sql"
TARGETS = {
    "dossier_state": Target(_STATE, of_sql, lambda: macro_killer(_STATE)),
    "dossier_figures": Target(_FIGURES, of_sql, lambda: macro_killer(_FIGURES)),
    "cells": _module("cells", *_CELLS),
    "header": _module("header", "test_header_pinned.py", "test_header.py", "test_nested.py", "test_odd_files.py"),
    "landing": _module("landing", "test_landing_pinned.py", "test_landing.py", "test_odd_files.py"),
    "rows": _module("rows", "test_rows_pinned.py"),
}


def accepted_survivors(target: str) -> set[tuple[str, str]]:
    """The survivors that a reviewer has accepted, by place and change."""
    reviewed = yaml.safe_load(Path(__file__).with_name("survivors.yml").read_text("utf-8"))
    return {(survivor["at"], survivor["change"]) for survivor in reviewed.get(target) or []}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("target", nargs="*", help=f"of {', '.join(TARGETS)}; all by default")
    parser.add_argument("--sample", type=int, help="only so many mutants of each target, always the same ones")
    parser.add_argument("--only", action="append", default=[], help="only the mutant of this id")
    parser.add_argument("--report", type=Path, help="a CSV of every outcome")
    asked = parser.parse_args()
    rows, unforeseen, unknown = [], 0, set(asked.only)
    for name in asked.target or TARGETS:
        target = TARGETS[name]
        source = target.file.read_text("utf-8")
        mutants = [m for m in target.mutants(source) if not asked.only or m.id in asked.only]
        unknown -= {m.id for m in mutants}
        if asked.sample and asked.sample < len(mutants):
            mutants = sorted(random.Random(0).sample(mutants, asked.sample), key=lambda m: m.line)
        accepted = accepted_survivors(name)
        started = time.monotonic()
        with target.killer() as kill:
            control = Mutant("control", 0, "nothing", lambda source=source: source)
            if noticed := kill(control):
                sys.exit(f"{name}: the tests fail without a mutant: {noticed}")
            survivors = 0
            for mutant in mutants:
                noticed = kill(mutant)
                rows.append([name, mutant.id, mutant.change, noticed])
                if not noticed:
                    survivors += 1
                    is_accepted = (mutant.place_in(source), mutant.change) in accepted
                    unforeseen += not is_accepted
                    print(f"{name} {mutant.id} survived{' as accepted' * is_accepted}: {mutant.change}", flush=True)
        killed = len(mutants) - survivors
        seconds = time.monotonic() - started
        print(
            f"{name}: {killed} of {len(mutants)} killed, {killed / max(len(mutants), 1):.1%}, {seconds:.0f} s",
            flush=True,
        )
    if unknown:
        sys.exit(f"no such mutant: {', '.join(sorted(unknown))}")
    if asked.report:
        with asked.report.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["target", "mutant", "change", "noticed by"], *rows])
    return min(unforeseen, 1)


if __name__ == "__main__":
    sys.exit(main())
