"""docs/metrics.md: what MetricFlow answers is what `kpi_values` holds, metric by metric, scope by scope, period by period."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.settings import PROJECT_DIR

pytest.importorskip("metricflow", reason="the group `semantic` is not installed")
pytestmark = pytest.mark.slow

PAGE = (PROJECT_DIR / "docs/metrics.md").read_text("utf-8")
DECLARED = yaml.safe_load((PROJECT_DIR / "semantic/models/metrics.yml").read_text("utf-8"))
ENTITY = {s["name"]: s["primary_entity"] for s in DECLARED["semantic_models"]}
MEASURED = {m["name"]: s["name"] for s in DECLARED["semantic_models"] for m in s["measures"]}
SCOPES = {
    s["name"]: [d["name"] for d in s["dimensions"] if d["type"] == "categorical"] for s in DECLARED["semantic_models"]
}
BUILD = "dbt build --quiet"
GRAINS = ("month", "quarter", "year")
# One process for all questions: to import MetricFlow takes longer than to answer.
ASKING = """
import json, sys
from click.testing import CliRunner
from dbt_metricflow.cli.main import cli
for question in json.load(sys.stdin):
    answer = CliRunner().invoke(cli, question)
    if answer.exit_code:
        sys.exit(answer.output)
"""
Figures = dict[tuple[str, str, str], float | None]


class Asked:
    """The project of docs/metrics.md over one release or warehouse, its files in a folder of its own."""

    def __init__(self, folder: Path, release: Path) -> None:
        self.folder, self.project, self.release = folder, folder / "semantic", release
        for name in ("semantic", "macros"):
            shutil.copytree(PROJECT_DIR / name, folder / name, ignore=shutil.ignore_patterns("target", "logs"))
        # `mf` asks the package index whether it is the newest; no test reaches out.
        self.environment = os.environ | {"CCHC_RELEASE": str(release), "HTTPS_PROXY": "http://127.0.0.1:9"}

    def run(self, *words: str, given: str = "") -> str:
        ended = subprocess.run(
            words,
            cwd=self.project,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def command(self, line: str) -> str:
        """A line of the page, by the programs of this environment."""
        program, *words = line.split()
        return self.run(str(Path(sys.executable).with_name(program)), *words)

    def answers(self, questions: list[list[str]]) -> list[list[dict[str, Any]]]:
        files = [self.folder / f"{number}.csv" for number in range(len(questions))]
        asked = [["query", *words, "--csv", str(file)] for words, file in zip(questions, files, strict=True)]
        self.run(sys.executable, "-c", ASKING, given=json.dumps(asked))
        with duckdb.connect() as con:
            return [
                con.execute("from read_csv(?, all_varchar = true)", [str(f)]).df().to_dict("records") for f in files
            ]


def subject_of(metric: dict[str, Any]) -> str:
    """The semantic model that a metric counts on."""
    given = metric["type_params"]
    parts = [given.get("numerator"), *given.get("metrics", [])]
    named = next((m for m in DECLARED["metrics"] if m["name"] in parts), None)
    return subject_of(named) if named else MEASURED[given["measure"]]


@pytest.fixture(scope="module")
def asked(trap: Path, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Over a warehouse full of traps, whose tables are those of a release."""
    made = Asked(tmp_path_factory.mktemp("metrics"), trap / "home" / "warehouse.duckdb")
    made.command(BUILD)
    return made


def published(release: Path, scope: str, grain: str) -> tuple[Figures, dict[str, str], tuple[str, str]]:
    """The figures of kpi_values, the kind of each KPI, the first and the last day."""
    with duckdb.connect(str(release), read_only=True) as con:
        figures = con.execute(
            "select kpi_code, scope_code, period_start::varchar, value from marts.kpi_values "
            "where scope_type = ? and period_type = ?",
            [scope, grain],
        ).fetchall()
        kinds = con.execute("select kpi_code, kind from marts.kpi_catalogue").fetchall()
        [days] = con.execute("select min(period_start)::varchar, max(as_of)::varchar from marts.kpi_values").fetchall()
    return {(kpi, code, start): value for kpi, code, start, value in figures}, dict(kinds), days


def test_metrics_equal_kpi_values(asked: Asked) -> None:
    _, kinds, (first, last) = published(asked.release, "province", "year")
    subjects: dict[str, list[str]] = {}
    for metric in DECLARED["metrics"]:
        if metric["name"] in kinds:
            subjects.setdefault(subject_of(metric), []).append(metric["name"])
    assert {s: len(names) for s, names in subjects.items()} == {
        "dossiers": 25, "payments": 2, "health_lookups": 3, "civil_registrations": 6,
    }  # fmt: skip
    cases = []
    for subject, metrics in subjects.items():
        for scope in ["province", *SCOPES[subject]]:
            # Others than these differ in the column alone that MetricFlow groups by.
            grains = GRAINS if scope in ("province", "agency") else ["year"]
            cases += [(subject, metrics, scope, grain) for grain in grains]
    questions = []
    for subject, metrics, scope, grain in cases:
        by = [f"metric_time__{grain}", *([f"{ENTITY[subject]}__{scope}"] if scope != "province" else [])]
        questions.append(["--metrics", ",".join(metrics), "--group-by", ",".join(by), "--start-time", first, "--end-time", last])  # fmt: skip
    compared, told = 0, set()
    for (subject, metrics, scope, grain), rows in zip(cases, asked.answers(questions), strict=True):
        figures, _, _ = published(asked.release, scope, grain)
        answered: Figures = {}
        for row in rows:
            code = "all" if scope == "province" else row[f"{ENTITY[subject]}__{scope}"]
            for metric in metrics:
                value = row[metric]
                answered[metric, code, row[f"metric_time__{grain}"][:10]] = (
                    float(value) if isinstance(value, str) else None
                )
        for metric in metrics:
            nothing = 0.0 if kinds[metric] in ("count", "amount") else None
            mine = {key: nothing if value is None else value for key, value in answered.items() if key[0] == metric}
            theirs = {key: value for key, value in figures.items() if key[0] == metric}
            assert theirs, metric
            # A period without a row has no row in MetricFlow, and a zero in kpi_values.
            wrong = {k: (mine.get(k, nothing), v) for k, v in theirs.items() if mine.get(k, nothing) != v}
            assert not wrong, (metric, scope, grain, list(wrong.items())[:5])
            assert not {k: v for k, v in mine.items() if k not in theirs and v}, (metric, scope, grain)
            compared += len(theirs)
            told |= {metric for value in theirs.values() if value}
    assert compared > 5_000
    assert told == {metric for metrics in subjects.values() for metric in metrics}, (
        "a metric of zeros alone tells nothing"
    )


def test_a_metric_bears_the_name_of_its_kpi(release: duckdb.DuckDBPyConnection) -> None:
    names = dict(release.execute("select kpi_code, name_vi from marts.kpi_catalogue").fetchall())
    labels = {m["name"]: m["label"] for m in DECLARED["metrics"]}
    assert {code: labels[code] for code in labels.keys() & names.keys()} == {
        c: names[c] for c in labels.keys() & names.keys()
    }
    assert all(labels.values())


def test_the_page_is_run_as_it_stands(asked: Asked) -> None:
    """Line by line; what comes before the question was run for all tests."""
    [commands] = re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)
    release, place, build, *questions = commands.replace("\\\n", " ").splitlines()
    assert release.startswith("export CCHC_RELEASE=") and (place, build) == ("cd semantic", BUILD)
    printed = [asked.command(line) for line in questions]
    assert "on_time_rate" in printed[-1]
