"""The mutants are the ones meant, always in the same order, and each is one change; the runner tells dead from alive."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.settings import PROJECT_DIR
from tests.mutation.__main__ import TARGETS, accepted_survivors
from tests.mutation.operators import Mutant, of_python, of_sql

pytestmark = pytest.mark.slow

SQL = """{# a < b and c #}
{% set x = 1 %}
select
    case when a < b and c is not null then 'early' end as one, -- when a < b
    coalesce(max(d), e + 2) as two
from t where f between 3 and 4 or g in (5)
"""
PYTHON = '''"""Docs < and."""
def f(x: int | None = 3) -> str | None:
    """More and more."""
    if not x or x < 4:
        raise ValueError("at 5 and 6")
    return f"case when {x} <= '[0-9]{{7}}' then {x} end" if x else "7 and 8"
'''


def told(mutants: list[Mutant]) -> dict[str, str]:
    return {mutant.id: mutant.change for mutant in mutants}


def test_sql_mutants() -> None:
    assert told(of_sql(SQL)) == {
        "2:number:1": "1 => 0", "2:number:2": "1 => 2",
        "4:branch:1": "a < b and c is not null => false", "4:compare:1": "< => <=", "4:connect:1": "and => or",
        "4:negate:1": "not =>", "4:constant:1": "'early' => 'early_'",
        "5:coalesce:1": "max(d), e + 2 => e + 2, max(d)", "5:coalesce:2": "max(d), e + 2 => max(d)",
        "5:extreme:1": "max( => min(", "5:arithmetic:1": "+ => -", "5:number:1": "2 => 1", "5:number:2": "2 => 3",
        "6:number:1": "3 => 2", "6:number:2": "3 => 4", "6:number:3": "4 => 3", "6:number:4": "4 => 5", "6:connect:1": "or => and",
        "6:negate:1": "in => not in", "6:number:5": "5 => 4", "6:number:6": "5 => 6",
    }  # fmt: skip


def test_python_mutants() -> None:
    """Neither what a person reads nor a type is changed; SQL and patterns inside strings are."""
    found = told(of_python(PYTHON))
    assert {i.split(":")[0] for i in found} == {"2", "4", "6"}
    assert {i.split(":", 1)[1] for i in found if i.startswith("2")} == {"number:1", "number:2"}
    assert {i.split(":")[1] for i in found if i.startswith("4")} == {
        "branch", "compare", "condition", "connect", "negate", "number",
    }  # fmt: skip
    assert {i.split(":")[1] for i in found if i.startswith("6")} >= {"branch", "digits", "number"}


def test_a_mutant_names_its_place() -> None:
    assert {m.place_in(PYTHON) for m in of_python(PYTHON) if m.line == 4} == {"f: if not x or x < 4:"}
    macro = "{% macro one(a) %}\n  a < 1\n{% endmacro %}"
    assert {m.place_in(macro) for m in of_sql(macro)} == {"one: a < 1"}
    assert {m.place_in(SQL) for m in of_sql(SQL) if m.line == 2} == {": {% set x = 1 %}"}


def test_survivors_are_accepted_where_they_stand() -> None:
    """An entry of the reviewed list that no mutant answers to is out of date."""
    for name, target in TARGETS.items():
        source = target.file.read_text("utf-8")
        known = {(m.place_in(source), m.change) for m in target.mutants(source)}
        assert accepted_survivors(name) <= known, name


@pytest.mark.parametrize(("mutants", "source"), [(of_sql, SQL), (of_python, PYTHON)])
def test_each_mutant_is_another_text(mutants, source: str) -> None:
    first, again = mutants(source), mutants(source)
    assert told(first) == told(again) and len(first) == len(told(first))
    texts = [mutant.text() for mutant in first]
    assert texts == [mutant.text() for mutant in again]
    assert len({*texts, source}) >= len(texts), "a mutant changes something"
    if mutants is of_python:
        for text in texts:
            compile(text, "mutant", "exec")


def test_the_runner_on_a_few(tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    ended = subprocess.run(
        [sys.executable, "-m", "tests.mutation", "landing", "--sample", "2", "--report", str(report)],
        cwd=PROJECT_DIR, env=os.environ, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "of 2 killed" in ended.stdout
    rows = list(csv.DictReader(report.open(encoding="utf-8")))
    assert len(rows) == 2 and any(row["noticed by"] for row in rows)
