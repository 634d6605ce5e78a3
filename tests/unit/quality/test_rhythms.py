"""The reviewed rhythms of sources: what may stand in the file, what it says of itself, and what its suite finds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from orchestration.declared import DeclarationError
from orchestration.quality.reviewed import EXPECTATIONS_DIR, RHYTHMS_FILE, load_rhythms, load_suites
from orchestration.quality.suites import run_suites
from orchestration.sources import all_sources


@pytest.mark.parametrize(
    ("source", "change", "match"),
    [
        ("payments", None, "see payments"),
        ("unheard_of", {}, "see unheard_of"),
        ("dossiers", {"every": 0}, "every"),
        ("dossiers", {"counted_in": "weeks"}, "counted_in"),
        ("dossiers", {"blocks_after": 2}, "blocks_after must be more than warns_after"),
        ("dossiers", {"reason": "because"}, "reason"),
        ("dossiers", {"feeds": " "}, "feeds"),
        ("dossiers", {"warn_after": 3}, "warn_after"),
    ],
    ids=str,
)
def test_a_rhythm_that_cannot_be_meant_is_refused(
    source: str, change: dict[str, Any] | None, match: str, tmp_path: Path
) -> None:
    rhythms = yaml.safe_load((EXPECTATIONS_DIR / RHYTHMS_FILE).read_text("utf-8"))
    if change is None:
        del rhythms["sources"][source]
    else:
        rhythms["sources"][source] = rhythms["sources"].get(source, rhythms["sources"]["dossiers"]) | change
    (tmp_path / RHYTHMS_FILE).write_text(yaml.safe_dump(rhythms, allow_unicode=True), "utf-8")
    with pytest.raises(DeclarationError, match=rf"rhythms\.yml: .*({match})"):
        load_rhythms(tmp_path)


def test_a_source_named_twice_is_refused(tmp_path: Path) -> None:
    text = (EXPECTATIONS_DIR / RHYTHMS_FILE).read_text("utf-8")
    [again] = re.findall(r"^  payments:\n(?:    .*\n)+", text, re.M)
    (tmp_path / RHYTHMS_FILE).write_text(text.rstrip("\n") + "\n" + again, "utf-8")
    with pytest.raises(DeclarationError, match=r"rhythms\.yml: payments stands twice at line \d+"):
        load_rhythms(tmp_path)


def test_the_file_says_whose_the_numbers_are_and_blocks_nothing() -> None:
    text = " ".join((EXPECTATIONS_DIR / RHYTHMS_FILE).read_text("utf-8").replace("#", "").split())
    assert "THE NUMBERS ARE THE PROJECT'S PROPOSAL. No rule of law names them" in text
    rhythms = load_rhythms().sources
    assert rhythms.keys() == all_sources().keys()
    assert all("proposal" in rhythm.reason for rhythm in rhythms.values())
    assert not [source for source, rhythm in rhythms.items() if rhythm.blocks_after is not None]


@pytest.mark.parametrize(
    ("freshness", "broken"),
    [
        ("missing", {}),
        ("in_time", {}),
        ("late", {"source_rhythms.no_source_late": False}),
        ("overdue", {"source_rhythms.no_source_overdue": True}),
    ],
)
def test_late_warns_and_overdue_blocks(freshness: str, broken: dict[str, bool], tmp_path: Path) -> None:
    """Each breaks one rule; the result names the source and its newest export."""
    frame = pd.DataFrame(
        {
            "source": ["dossiers", "payments"],
            "newest_export_at": pd.to_datetime(["2023-07-20 10:00", None]),
            "freshness": [freshness, "missing"],
        }
    )
    suites = [suite for suite in load_suites() if suite.name == "source_rhythms"]
    results = run_suites({"source_freshness": frame}, tmp_path, suites)
    assert len(results) == 2
    assert {r.check_code: r.blocking for r in results if r.status != "passed"} == broken
    assert all(r.observed == "1 of 2 rows: dossiers 2023-07-20" for r in results if r.status != "passed")
