"""A landing folder small enough to work out by hand, and the figures, flags and findings it must give."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
import yaml

EXPECTED = yaml.safe_load((Path(__file__).parent / "figures.yml").read_text("utf-8"))


@pytest.mark.parametrize("question", EXPECTED["questions"], ids=lambda question: question["about"])
def test_figures(question: dict, home: Path, ask) -> None:
    arguments = ["--from", question["from"], "--to", question["to"], "--as-of", question["as_of"], "--format", "json"]
    arguments += ["--convention", question.get("convention", "separate")]
    if "scope" in question:
        arguments += ["--scope", question["scope"]]
    answered = {row["kpi_code"]: row for row in json.loads(ask("kpi", "--home", home, *arguments))}
    for code, figure in question["figures"].items():
        row = answered[code]
        if isinstance(figure, list):
            assert [row["numerator"], row["denominator"]] == figure, code
            assert row["value"] == (pytest.approx(figure[0] / figure[1], abs=1e-12) if figure[1] else None), code
        else:
            assert (row["numerator"], row["denominator"], row["value"]) == (figure, None, figure), code


def test_findings(release: duckdb.DuckDBPyConnection) -> None:
    def rows(query: str) -> list[list]:
        return sorted(map(list, release.execute(query).fetchall()))

    assert rows("select entity_code, rule_code from marts.dq_flags") == EXPECTED["flags"]
    assert rows("select source_file, row_number, column_name from marts.dq_rejected_rows") == EXPECTED["rejected_rows"]
    assert rows("select source_file from marts.dq_rejected_files") == [[f] for f in EXPECTED["rejected_files"]]
