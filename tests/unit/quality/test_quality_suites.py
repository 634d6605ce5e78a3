"""The reviewed suites, run by Great Expectations itself over real frames."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from orchestration.declared import DeclarationError
from orchestration.quality.frames import BATCH_COLUMNS, batch_frame, build_frames
from orchestration.quality.reviewed import Expectation, Suite, load_suites
from orchestration.quality.suites import CheckResult, run_suites


def pages_of(docs_dir: Path) -> str:
    return "".join(page.read_text(encoding="utf-8") for page in docs_dir.rglob("*.html"))


def not_passed(results: list[CheckResult]) -> dict[str, CheckResult]:
    return {result.check_code: result for result in results if result.status != "passed"}


def one_suite(**changes) -> list[Suite]:
    rule = {
        "name": "a_rule",
        "title": "Quy tắc",
        "expectation": "expect_column_values_to_not_be_null",
        "arguments": {"column": "value"},
        "severity": "error",
        "blocking": True,
        "reason": "2026-11-22, test",
        "basis": "Thử.",
    }
    return [
        Suite(
            name="s",
            frame="f",
            title="Thử",
            description="A frame.",
            identified_by=["code"],
            expectations=[Expectation(**(rule | changes))],
        )
    ]


def test_true_frames_pass_every_check(frames, docs_dir):
    results = run_suites(frames, docs_dir)
    assert not_passed(results) == {}
    assert len(results) == sum(len(suite.expectations) for suite in load_suites())
    assert {result.suite for result in results} == {suite.name for suite in load_suites()}
    assert {result.frame for result in results} == set(frames)


def test_empty_frames_block_nothing(frames, docs_dir):
    empty = {name: frame.head(0) for name, frame in frames.items()}
    empty["batch"] = batch_frame(pd.DataFrame(columns=list(BATCH_COLUMNS)))
    empty["double_entry"] = frames["double_entry"]
    assert set(not_passed(run_suites(empty, docs_dir))) == {"kpi_frame.not_empty", "reconciliation.not_empty"}


@pytest.mark.parametrize(
    ("code", "column", "value", "check"),
    [
        ("dossiers_received", "kpi_code", "dossiers_seen", "kpi_code_published"),
        ("dossiers_received", "scope_type", "ward", "scope_type_known"),
        ("dossiers_received", "period_type", "week", "period_type_known"),
        ("dossiers_received", "scope_code", None, "key_filled"),
        ("dossiers_received", "scope_code", "H33", "province_code_is_all"),
        ("dossiers_received", "period_end", "2023-11-17", "period_within_as_of"),
        ("dossiers_received", "as_of", "2023-11-18", "as_of_constant"),
        ("dossiers_received", "value", -1.0, "count_whole_and_not_negative"),
        ("dossiers_received", "value", 2.5, "count_whole_and_not_negative"),
        ("dossiers_received", "denominator", 1.0, "count_has_no_denominator"),
        ("dossiers_received", "numerator", 11.0, "count_has_no_denominator"),
        ("dossiers_received", "numerator", None, "count_has_no_denominator"),
        ("on_time_rate", "value", 1.25, "rate_within_bounds"),
        ("on_time_rate", "value", 0.75001, "rate_is_exact_ratio"),
        ("on_time_rate", "denominator", 0.0, "rate_missing_without_denominator"),
        ("on_time_rate", "value", None, "rate_present_with_denominator"),
        ("average_processing_working_days", "value", -0.5, "mean_not_negative"),
        ("satisfaction_rate", "value", 1.25, "survey_rate_plausible"),
        ("payments_paid_amount", "value", -1.0, "amount_plausible"),
        ("par_index_rank", "value", 0.0, "rank_plausible"),
    ],
)
def test_spoiled_kpi_cell_is_found(warehouse, frames, docs_dir, code, column, value, check):
    warehouse.execute(
        f"update marts.kpi_values set {column} = ? where kpi_code = ? and scope_type = 'province'",
        [value, code],
    )
    found = not_passed(run_suites(frames | build_frames(warehouse, frames["batch"], []), docs_dir))
    assert found[f"kpi_frame.{check}"].status == "failed"
    assert all(result.status == "failed" for result in found.values())


def test_counts_and_examples_of_a_failed_check(frames, docs_dir):
    kpi = frames["kpi"]
    kpi.loc[(kpi["kpi_code"] == "on_time_rate") & (kpi["period_type"] == "year"), "value"] = 777.5
    found = not_passed(run_suites(frames, docs_dir))["kpi_frame.rate_within_bounds"]
    assert (found.unexpected_count, found.element_count, found.blocking) == (2, len(kpi), True)
    assert "on_time_rate province all year 2023-01-01" in found.observed
    assert "777.5" not in found.observed + pages_of(docs_dir)


def test_missing_kpi_and_doubled_key(frames, docs_dir):
    kpi = frames["kpi"]
    frames["kpi"] = pd.concat([kpi[kpi["kpi_code"] != "pci_rank"], kpi.head(1)], ignore_index=True)
    found = not_passed(run_suites(frames, docs_dir))
    assert set(found) == {"kpi_frame.province_has_every_kpi", "kpi_frame.key_unique"}
    assert found["kpi_frame.key_unique"].unexpected_count == 2


def test_one_difference_blocks(frames, docs_dir):
    frames["reconciliation"].loc[0, ["left_value", "difference"]] = [13.0, 1.0]
    found = not_passed(run_suites(frames, docs_dir))
    assert set(found) == {"reconciliation.difference_is_zero"}
    result = found["reconciliation.difference_is_zero"]
    assert result.blocking
    assert result.observed == "1 of 7 rows: flows_close province all month 2023-11-01"


def test_reconciliation_that_was_not_computed_blocks(frames, docs_dir):
    frame = frames["reconciliation"]
    frame.loc[1, "difference"] = None
    frames["reconciliation"] = frame.drop(index=2)
    found = not_passed(run_suites(frames, docs_dir))
    assert {"reconciliation.difference_is_computed", "reconciliation.identities_present"} <= set(found)
    assert all(result.blocking for result in found.values())


@pytest.mark.parametrize(
    ("changes", "checks"),
    [
        ({"agreeing": 11, "disagreeing": 1, "example": "H33.12"}, {"both_entries_agree"}),
        ({"agreeing": 11}, {"disagreement_matches_counts"}),
        ({"disagreeing": None}, {"agreement_is_computed", "disagreement_matches_counts"}),
        ({"figure": "dossiers_seen"}, {"every_dossier_figure_compared"}),
    ],
)
def test_two_entries_that_differ_block(frames, docs_dir, changes, checks):
    frame = frames["double_entry"].astype(object)
    frame.loc[5, list(changes)] = list(changes.values())
    frames["double_entry"] = frame
    found = not_passed(run_suites(frames, docs_dir))
    assert set(found) == {f"double_entry.{check}" for check in checks}
    assert all(result.blocking for result in found.values())
    if "example" in changes:
        [result] = found.values()
        assert result.observed == "1 of 35 rows: totals dossiers dossiers_received agency month 2023-11-01 7 H33.12"


def test_errored_is_told_from_failed(frames, docs_dir):
    frames["reconciliation"] = frames["reconciliation"].drop(columns="difference")
    found = not_passed(run_suites(frames, docs_dir))
    result = found["reconciliation.difference_is_zero"]
    assert (result.status, result.observed) == ("errored", "column 'difference' is missing")
    assert {found[code].status for code in found} == {"errored"}
    assert "Traceback" not in pages_of(docs_dir)


def test_error_text_quotes_no_cell(docs_dir):
    frame = pd.DataFrame({"code": ["a", "b"], "value": ["000123456789", 3]})
    rule = {
        "expectation": "expect_column_values_to_be_between",
        "arguments": {"column": "value", "min_value": 1},
    }
    (result,) = run_suites({"f": frame}, docs_dir, one_suite(**rule))
    assert (result.status, result.observed) == ("errored", "the check could not be computed")
    assert "000123456789" not in pages_of(docs_dir)


def test_frame_not_given_is_errored_never_passed(frames, docs_dir):
    del frames["kpi"]
    found = not_passed(run_suites(frames, docs_dir))
    assert {result.suite for result in found.values()} == {"kpi_frame"}
    assert {result.status for result in found.values()} == {"errored"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"expectation": "expect_miracles"}, r"^s\.yml: a_rule: expectation: 'expect_miracles' is not known"),
        ({"arguments": {"colum": "value"}}, r"^s\.yml: a_rule: arguments: .*colum"),
    ],
)
def test_suite_that_gx_cannot_read_is_an_error(docs_dir, changes, message):
    with pytest.raises(DeclarationError, match=message):
        run_suites({"f": pd.DataFrame({"value": [1]})}, docs_dir, one_suite(**changes))


def test_class_name_is_accepted_too(docs_dir):
    rules = one_suite(expectation="ExpectColumnValuesToNotBeNull")
    (result,) = run_suites({"f": pd.DataFrame({"code": ["a", "b"], "value": [1, None]})}, docs_dir, rules)
    assert (result.status, result.observed) == ("failed", "1 of 2 rows: b")


def test_docs_open_offline(frames, docs_dir):
    docs_dir.mkdir()
    (docs_dir / "verdict.json").write_text("{}")
    run_suites(frames, docs_dir)
    run_suites(frames, docs_dir)
    assert (docs_dir / "verdict.json").exists()
    pages = list(docs_dir.rglob("*.html"))
    assert docs_dir / "index.html" in pages
    assert len(pages) == 1 + 2 * len(load_suites())
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r"https?://|//cdn", text), page
        for link in re.findall(r"(?:src|href)=\"([^\"#][^\"]*)\"", text):
            assert (page.parent / link).exists(), (page, link)
        assert "/site-packages/" not in text and "<script" not in text
        for english in ("Expectation<", ">Status", "Succeeded", "Observed Value", "Overview", "unexpected", "not null"):
            assert english not in text, (page, english)
    assert "Tệp dữ liệu mới tiếp nhận" in (docs_dir / "index.html").read_text(encoding="utf-8")
    assert sum(file.stat().st_size for file in docs_dir.rglob("*") if file.is_file()) < 1_500_000
