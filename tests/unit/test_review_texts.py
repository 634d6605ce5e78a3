"""Every code that a release can hold stands in words in `orchestration/reports/review/texts.yml`, and no other."""

from __future__ import annotations

import ast
import re
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.catalogue import scope_types
from orchestration.quality.reviewed import load_suites
from orchestration.reports.review.declared import columns_told, in_vietnamese, observed, texts
from orchestration.settings import PROJECT_DIR
from orchestration.sources import all_sources

MODELS = PROJECT_DIR / "models"
INGESTION = PROJECT_DIR / "orchestration" / "ingestion"


def closed_list(model: str, column: str) -> set[str]:
    """The codes that a model's own test allows in a column."""
    [path] = MODELS.rglob(f"{model}.yml")
    [declared] = yaml.safe_load(path.read_text("utf-8"))["models"]
    [lists] = [test["closed_lists"]["arguments"]["lists"] for test in declared["data_tests"] if "closed_lists" in test]
    return set(lists[column])


def reasons_in_code() -> tuple[set[str], set[str]]:
    """The first argument of each RejectedFile, the last of each Fault, and the reasons that are names beside them."""
    files, rows = set(), set()
    for path in INGESTION.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name in ("RejectedFile", "_rejected") and isinstance(node.args[0], ast.Constant):
                    files.add(node.args[0].value)
                if name == "Fault" and isinstance(node.args[-1], ast.Constant):
                    rows.add(node.args[-1].value)
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "reason":
                rows |= {part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant)}
    return files, rows - {"list", "flag"}


def test_every_code_is_said_in_vietnamese() -> None:
    told, (files, rows) = texts(), reasons_in_code()
    identities = (MODELS / "marts" / "quality" / "dq_reconciliation.sql").read_text("utf-8")
    assert set(told.rules) == closed_list("dq_flags", "rule_code")
    assert {"shifted", "too_slow", "unreadable", "missing_column"} < files and set(told.reasons_of_files) == files
    assert {"missing", "extra_cell"} < rows and set(told.reasons_of_rows) == rows
    assert set(told.restatements) == closed_list("restatements", "reason_code")
    assert set(told.buckets) == closed_list("restatements", "bucket_before")
    assert set(told.differences) == closed_list("dq_portal_differences", "difference")
    assert set(told.doubts) == closed_list("dq_index_inputs", "doubt")
    assert set(told.identities) == {
        name for pair in re.findall(r"^    \('(\w+)'|'(\w+)' as identity", identities, re.M) for name in pair if name
    }
    assert set(told.remedies) == {suite.name for suite in load_suites()} | {"dbt"}
    assert set(told.freshness) == closed_list("dq_source_freshness", "freshness")
    assert set(told.rhythm_units) == closed_list("dq_source_freshness", "rhythm_unit")
    assert set(told.scopes) == set(scope_types())
    assert set(told.scores) == closed_list("scorecard_values", "status")
    assert set(told.kinds) == {c.kind for s in all_sources().values() for c in s.columns} - {"dropped"}


def test_the_reasons_of_files_are_declared_as_they_are_written() -> None:
    """Each declared word of a rejected file's detail stands in a text of the code."""
    code = " ".join(
        part.value
        for path in INGESTION.rglob("*.py")
        for part in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )
    for reason, finding in texts().reasons_of_files.items():
        assert finding.detail, reason
        for words in finding.detail:
            for part in re.split(r"\{\w+\}", words):
                # A remedy follows its fault in another text, as what the fault is of comes before it.
                pieces = re.split("(?<=cell of )|(?<=a cell)(?= holds)", part.removesuffix(": "))
                assert all(piece in code for piece in pieces), (reason, part)


def test_headers_of_columns_are_vietnamese() -> None:
    """A column is shown by a header that the office knows; `method` of payments has no other name."""
    same = {(source, column) for source, column, told, _ in columns_told() if told == column}
    assert same == {("payments", "method")}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("1 of 7 rows: dossiers 3 of 4 rows: x", "1 trong 7 dòng: dossiers 3 of 4 rows: x"),
        ("0 of 29 rows", "0 trong 29 dòng"),
        ("12 rows", "12 dòng"),
        ("None", "–"),
        ("0.97", "0.97"),
    ],
)
def test_what_was_observed(said: str, told: str) -> None:
    assert observed(said) == told


@pytest.mark.parametrize(
    ("rule", "detail", "told"),
    [
        ("deadline_moved_after_breach", "due 2023-03-01, moved to 2023-03-31 by the export of 2023-06-30",
         "hẹn trả 01/03/2023, bản kết xuất 30/06/2023 lùi đến 31/03/2023"),
        ("unknown_agency", "agency missing", "không có mã đơn vị"),
        ("unknown_agency", "agency \\1 (2023-03-01)", "đơn vị \\1 (2023-03-01)"),
        ("unknown_procedure", "procedure a\nb", "thủ tục a\nb"),
        ("duplicate_registration", "death of 1957 was registered before", "khai tử, sự kiện 1957, đã được đăng ký trước đó"),
        ("reopened", "in other words", "in other words"),
        ("nobody's", "closed; neither completed_at nor returned_at", "closed; neither completed_at nor returned_at"),
    ],
)  # fmt: skip
def test_details_in_vietnamese(rule: str, detail: str, told: str) -> None:
    sql = in_vietnamese(texts().rules, "rule", "detail")
    with duckdb.connect() as con:
        found: Any = con.execute(f"select {sql} from (select ? as rule, ? as detail)", [rule, detail]).fetchall()
    assert found == [(told,)]


def test_details_are_declared_as_the_models_write_them() -> None:
    """Words that change in a model would go untranslated: each declared one stands there, in a text of its own."""
    flags = [MODELS / "intermediate/dossiers/int_dossier_flags.sql", MODELS / "marts/quality/dq_flags.sql"]
    parts = re.split(rf"'({'|'.join(texts().rules)})'", "".join(path.read_text("utf-8") for path in flags))
    after = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert set(after) == set(texts().rules)
    for rule, finding in texts().rules.items():
        written = re.findall(r"'([^'\n]*)'", after[rule])
        assert finding.detail, rule
        for words in finding.detail:
            # The event's type and what stands for a missing code come from the data.
            for part in re.split(r"\{\w+\}|^birth|^death|missing$", words):
                assert not part or part in written, (rule, part)
