"""docs/personal-data.md says what the declarations and the policy say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from orchestration.declared import DeclarationError
from orchestration.quality.reviewed import EXPECTATIONS_DIR, RETENTION_FILE, load_retention
from orchestration.settings import PROJECT_DIR
from orchestration.sources import all_sources, load_source

SECTION = re.compile(r"^## Columns and classes.*?\n(.*?)^## ", re.M | re.S)
DOMAIN_MARKS = {"V", "S", "M-high", "M-med", "M-low"}
DOCUMENT = (PROJECT_DIR / "docs/personal-data.md").read_text("utf-8")


def rows(text: str) -> list[tuple[str, ...]]:
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in re.findall(r"^\|.*\|$", text, re.M)][
        2:
    ]


def test_the_table_of_columns_is_that_of_the_declarations() -> None:
    told = rows(SECTION.search(DOCUMENT)[1])
    assert len(told) == len(set(told))
    declared = {(s.source, c.name): (s, c) for s in all_sources().values() for c in s.columns if c.personal != "none"}
    assert {(source, column) for source, column, *_ in told} == declared.keys()
    for source, column, names, personal, kept, context in told:
        owner, found = declared[source, column]
        stored = {name for name, _ in owner.stored_columns()}
        assert personal == found.personal
        assert set(names.split(", ")) <= set(found.names)
        assert kept == {"pseudonym": f"`{found.stored_name}`", "dropped": "nothing"}.get(
            personal, "text, long numbers masked"
        )
        assert (found.stored_name in stored) is (personal != "dropped")
        assert context == (owner.context if personal == "pseudonym" else "–")


def test_every_statement_about_the_law_bears_its_certainty() -> None:
    law = rows(re.search(r"^## Legal ground.*?\n(.*?)^## ", DOCUMENT, re.M | re.S)[1])
    assert len(law) > 12
    assert {mark.strip("[]") for _, _, mark, _ in law} <= DOMAIN_MARKS


def test_contexts_are_those_of_the_decision() -> None:
    decision = (PROJECT_DIR / "docs/decisions/0007-pseudonym-contexts.md").read_text("utf-8")
    told = {context.strip("`"): sources for context, sources, _ in rows(decision)}
    for source in all_sources().values():
        assert source.context is None or source.source in re.split("[;, ]+", told[source.context]), source.source
    assert told.keys() == {s.context for s in all_sources().values()} - {None}


@pytest.mark.parametrize("change", ["missing", "context without persons"])
def test_persons_need_a_context(change: str, tmp_path: Path) -> None:
    name = "health_lookups" if change == "missing" else "payments"
    values = yaml.safe_load((PROJECT_DIR / f"orchestration/sources/{name}.yml").read_text("utf-8"))
    values["context"] = None if change == "missing" else "dossiers"
    (tmp_path / "s.yml").write_text(yaml.safe_dump(values, allow_unicode=True), "utf-8")
    with pytest.raises(ValueError, match=rf"{name}: context: names the group"):
        load_source(tmp_path / "s.yml")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"payments": {"years": 1, "reason": "2026-11-24, x"}}, "see payments"), ({"dossiers": None}, "dossiers"),
        ({"dossiers": {"years": 0, "reason": "2026-11-24, x"}}, "years"), ({"dossiers": {"years": 1, "reason": "x"}}, "reason"),
    ],
    ids=str,
)  # fmt: skip
def test_a_policy_that_cannot_be_meant_is_refused(change: dict, match: str, tmp_path: Path) -> None:
    policy = yaml.safe_load((EXPECTATIONS_DIR / RETENTION_FILE).read_text("utf-8"))
    policy["sources"] |= change
    (tmp_path / RETENTION_FILE).write_text(yaml.safe_dump(policy), "utf-8")
    with pytest.raises(DeclarationError, match=rf"retention\.yml: .*{match}"):
        load_retention(tmp_path)


def test_the_policy_says_whose_the_numbers_are() -> None:
    text = " ".join((EXPECTATIONS_DIR / RETENTION_FILE).read_text("utf-8").replace("#", "").split())
    assert "THE NUMBERS ARE THE PROJECT'S PROPOSAL. No law names them" in text
    assert all("proposal" in period.reason for period in load_retention().sources.values())
