"""Drafts of limits: every limit of `expectations/` beside the home's history, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from orchestration.files import sha256_of
from orchestration.quality.frames import kpi_movements_frame, months_over
from orchestration.quality.measures import every_night, newest_nights
from orchestration.quality.reviewed import EXPECTATIONS_DIR, Limit, load_suites
from orchestration.reports.proposals import LEAST_CASES, _drafted, as_yaml
from tests.support import nights


def test_every_limit_is_drafted_and_none_changed(ask: Callable, home: Path) -> None:
    before = {p: sha256_of(p) for p in EXPECTATIONS_DIR.iterdir()}
    draft = yaml.safe_load(ask("propose-thresholds", "--home", home))
    assert {p: sha256_of(p) for p in EXPECTATIONS_DIR.iterdir()} == before
    limits = {
        (f"{suite.name}.yml", f"{rule.name}.{side}"): bound
        for suite in load_suites()
        for rule in suite.expectations
        if rule.limit
        for side, bound in (("least", rule.limit.least), ("most", rule.limit.most))
        if bound is not None
    }
    drafted = {(file, rule): said["limit"] for file, rules in draft.items() for rule, said in rules.items()}
    assert drafted == limits | {("thresholds.yml", "file_rejection.most"): 0.05}
    assert len(limits) > 15


def test_a_draft_leaves_out_the_farthest_in_two_hundred() -> None:
    shares = pd.Series([*([0.1] * 398), 0.4, 0.9])
    drafted = _drafted("a.yml", "a", "most", 0.3, shares)
    assert (drafted.cases, drafted.beyond, drafted.farthest, drafted.drafted) == (400, 2, 0.9, 0.11)
    ratios = pd.Series([*([1.0] * 398), 0.2, 0.1])
    drafted = _drafted("a.yml", "a", "least", 0.3, ratios)
    assert (drafted.beyond, drafted.farthest, drafted.drafted) == (2, 0.1, 0.9)
    few = _drafted("a.yml", "a", "most", 0.3, shares[: LEAST_CASES - 1])
    assert few.drafted is None and "fewer than" in as_yaml([few], "a home", date(2026, 1, 1))
    said = yaml.safe_load(as_yaml([_drafted("a.yml", "a", "most", 0.3, shares)], "a home", date(2026, 1, 1)))
    assert said["a.yml"]["a.most"]["reason"].startswith("2026-01-01, of 400 cases in a home one in 200 lay beyond 0.1;")
    same = _drafted("a.yml", "a", "most", 0.11, shares)
    assert yaml.safe_load(as_yaml([same], "a home"))["a.yml"]["a.most"]["draft"] == "as it is"


def test_history_is_measured_as_the_night_was(landing_and_home: tuple[Path, Path]) -> None:
    """The newest night and the newest month of the history are those that the suites judge."""
    _, home = landing_and_home  # a copy: who holds a home writes down how the run ended
    ran = nights.known(home)
    with duckdb.connect(str(home / "current/cchc.duckdb"), read_only=True) as con:
        every, newest = every_night(con, ran.files), newest_nights(con, ran.files)
        nights_known = every.groupby("source")["night"].max()
        last = every[every["night"] == every["source"].map(nights_known)].reset_index(drop=True)
        pd.testing.assert_frame_equal(last, newest)
        assert every["night"].nunique() > newest["night"].nunique()
        months = months_over(con)
        pd.testing.assert_frame_equal(kpi_movements_frame(con, months[-1]), kpi_movements_frame(con))
        former = kpi_movements_frame(con, months[-2])
        assert set(former["period_start"].dt.date) == {months[-2]}


def test_a_limit_is_a_rule_of_no_row_beyond_it() -> None:
    limit = Limit(of="usual > 0", quantity="value / usual", least=0.2, most=5)
    frame = pd.DataFrame({"value": [1.0, 10, 60, 9], "usual": [10.0, 10, 10, 0]})
    assert list(frame.query(limit.beyond)["value"]) == [1.0, 60]
    with pytest.raises(ValidationError):
        Limit(of="a", quantity="b")
    rule = next(r for s in load_suites() for r in s.expectations if r.limit)
    with pytest.raises(ValidationError, match="either a limit or an expectation"):
        type(rule).model_validate({"limit": {"of": "a", "quantity": "b", "most": 1}, "expectation": "a"})
