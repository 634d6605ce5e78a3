"""Thresholds, reviewed files and the verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.quality.frames import batch_frame
from orchestration.quality.reviewed import (
    EXPECTATIONS_DIR,
    DeclarationError,
    load_suites,
    load_thresholds,
)
from orchestration.quality.suites import run_suites
from orchestration.quality.verdict import SCHEMA, Verdict
from tests.unit.quality.conftest import CHECK

BASE = {
    "source": "dossiers",
    "source_file": "dossiers/ho-so 20231116.csv",
    "status": "accepted",
    "reason_code": None,
    "decision": "none",
}


def file_with(rejected: int, read: int, **cells: object) -> dict[str, object]:
    counts = {"rows_read": read, "rows_accepted": read - rejected, "rows_rejected": rejected}
    return BASE | counts | cells


@pytest.mark.parametrize(
    ("rejected", "read", "decision", "blocks"),
    [
        (19, 100, "none", False),
        (20, 100, "none", True),
        (20, 400, "none", False),
        (20, 399, "none", True),
        (21, 420, "none", False),
        (5000, 100_000, "none", False),
        (5001, 100_000, "none", True),
        (20, 100, "accepted", False),
        (20, 100, "withdrawn", False),
        (0, 0, "none", False),
    ],
)
def test_threshold_boundary(rejected, read, decision, blocks):
    batch = batch_frame(pd.DataFrame([file_with(rejected, read, decision=decision)]))
    assert batch["exceeds_threshold"].tolist() == [blocks]


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_threshold_is_exact(rejected, accepted):
    batch = batch_frame(pd.DataFrame([file_with(rejected, rejected + accepted)]))
    assert batch["exceeds_threshold"].item() == (rejected >= 20 and rejected * 100 > 5 * (rejected + accepted))


def test_file_beyond_threshold_blocks_and_is_named(frames, docs_dir):
    frames["batch"] = batch_frame(pd.DataFrame([file_with(20, 100), file_with(0, 9, source_file="dossiers/b")]))
    failed = [result for result in run_suites(frames, docs_dir) if result.status != "passed"]
    assert [result.check_code for result in failed] == ["landing_batch.no_file_beyond_rejection_threshold"]
    assert failed[0].observed == "1 of 2 rows: dossiers dossiers/ho-so 20231116.csv"
    assert not Verdict.of(failed).passed


def test_file_rejected_whole_only_warns(frames, docs_dir):
    rejected = file_with(0, 0, status="rejected", reason_code="missing_column")
    frames["batch"] = batch_frame(pd.DataFrame([rejected]))
    failed = [result for result in run_suites(frames, docs_dir) if result.status != "passed"]
    assert [result.check_code for result in failed] == ["landing_batch.no_file_rejected_whole"]
    assert Verdict.of(failed).passed


def test_lost_row_blocks(frames, docs_dir):
    frames["batch"] = batch_frame(pd.DataFrame([file_with(0, 10) | {"rows_accepted": 9}]))
    failed = [result.check_code for result in run_suites(frames, docs_dir) if result.status != "passed"]
    assert failed == ["landing_batch.rows_read_are_accounted_for"]


def test_reviewed_thresholds():
    rule = load_thresholds().file_rejection
    assert (rule.min_rows, rule.max_share) == (20, 0.05)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "severity: error",
            "severity: fatal",
            r"reconciliation\.yml: expectations\.0\.severity: Input should be",
        ),
        ("blocking: true", "blocking: 'yes'", r"reconciliation\.yml: expectations\.0\.blocking: .*boolean"),
        ("frame: reconciliation", "farme: x", r"reconciliation\.yml: frame: Field required"),
        ("reason: 2026-11-22, ", "reason: because, ", r"reconciliation\.yml: expectations\.0\.reason: "),
        ("name: key_unique", "name: not_empty", r"reconciliation\.yml: .*used twice: not_empty"),
        ("severity: error", "severity: warning", r"expectations\.0: .*a warning cannot be blocking"),
        ("name: reconciliation", "name: other", r"reconciliation\.yml: name: is 'other'"),
        ("value_set: [0]", "value_set: zeros", r"reconciliation\.yml: .*there is no list 'zeros'"),
        ("expectations:", "expectations: [", r"reconciliation\.yml: not valid YAML at line \d+"),
    ],
)
def test_invalid_suite_names_file_and_key(tmp_path, old, new, message):
    text = (EXPECTATIONS_DIR / "reconciliation.yml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "reconciliation.yml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DeclarationError, match=message) as caught:
        load_suites(tmp_path)
    assert "\n" not in str(caught.value)


def test_invalid_thresholds_name_file_and_key(tmp_path):
    text = (EXPECTATIONS_DIR / "thresholds.yml").read_text(encoding="utf-8")
    (tmp_path / "thresholds.yml").write_text(text.replace("0.05", "5"), encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"thresholds\.yml: file_rejection\.max_share: "):
        load_thresholds(tmp_path)
    with pytest.raises(DeclarationError, match="no suite found"):
        load_suites(tmp_path)


@pytest.mark.parametrize(
    ("status", "blocking", "passed"),
    [("passed", True, True), ("failed", True, False), ("errored", True, False), ("failed", False, True)],
)
def test_verdict_is_blocked_by_failed_or_errored_blocking_checks(status, blocking, passed):
    dbt = replace(CHECK, check_code="not_null_x", suite="marts", kind="dbt", status=status, blocking=blocking)
    verdict = Verdict.of([CHECK], [dbt])
    assert verdict.passed is passed
    assert verdict.blocking_failures == (() if passed else (dbt,))


def test_no_check_is_no_pass():
    assert not Verdict.of([]).passed


def test_verdict_text_and_rows_do_not_depend_on_order():
    other = replace(CHECK, check_code="dbt_test", kind="dbt", unexpected_count=None, element_count=None)
    one, two = Verdict.of([CHECK, other]), Verdict.of([other], [CHECK])
    assert one.to_json() == two.to_json()
    content = json.loads(one.to_json())
    assert content["passed"] is True
    assert [check["check_code"] for check in content["checks"]] == ["dbt_test", "s.a"]
    frame = one.to_frame()
    assert list(frame.columns) == SCHEMA.names
    assert frame["unexpected_count"].tolist() == [pd.NA, 0]
    assert one.to_table().schema == SCHEMA
    assert Verdict.of([]).to_table().num_rows == 0


def test_verdict_file(tmp_path):
    verdict = Verdict.of([CHECK])
    path = verdict.write(tmp_path / "quality")
    assert path.name == "verdict.json"
    assert path.read_text(encoding="utf-8") == verdict.to_json()


def test_great_expectations_is_imported_only_where_it_runs():
    code = "import sys, orchestration.quality.verdict as v; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=EXPECTATIONS_DIR.parent).returncode == 0


def test_what_no_expectation_uses_is_not_imported():
    code = (
        "import sys, orchestration.quality.suites, great_expectations.expectations, scipy; "
        "unread = 'scipy.stats._stats_py' not in sys.modules; "
        "sys.exit(not (unread and scipy.stats.norm.cdf(0) == 0.5))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=EXPECTATIONS_DIR.parent).returncode == 0
