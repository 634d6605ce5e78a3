"""Declarations: what the loader refuses, and what becomes of each column that may tell of a person."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from orchestration.sources import Column, all_sources
from tests.support import declared

CLASSES = {"dropped": "dropped", "identity": "pseudonym", "text": "free_text"}


def test_every_column_has_the_class_that_the_contract_gives_it() -> None:
    """By the kinds of the second reading, which were retyped from the contract."""
    for name, columns in declared.SOURCES.items():
        for column in columns:
            if (name, column.name) != (
                "registers/procedures",
                "level",
            ):  # the second reading knows its three values only
                said = all_sources()[name].column(column.name).personal
                assert said == CLASSES.get(column.kind, "none"), (name, column.name)
    assert all_sources()["civil_registrations"].column("registry_office").personal == "free_text"
    assert all_sources()["registers/procedures"].column("level").personal == "free_text"


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "identity", "personal": "none"}, {"kind": "dropped", "personal": "pseudonym"}, {"kind": "text", "personal": "none"},
        {"kind": "code", "personal": "free_text"}, {"kind": "list", "otherwise": "*"}, {"kind": "code", "personal": "secret"},
    ],
    ids=str,
)  # fmt: skip
def test_a_class_that_would_not_be_kept_is_refused(values: dict) -> None:
    with pytest.raises(ValidationError, match=r"personal|class"):
        Column(name="c", **values)


def test_a_list_that_keeps_what_it_does_not_know_is_free_text() -> None:
    column = Column(name="c", kind="list", otherwise="*", personal="free_text")
    assert column.may_hold_text and not column.is_personal
    assert Column(name="c", kind="list", otherwise="other").may_hold_text
    assert not Column(name="c", kind="list").may_hold_text
