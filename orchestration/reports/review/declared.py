"""What the page and the workbooks call things: `texts.yml` beside this file, validated on load."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import Field

from orchestration.declared import Declared, load
from orchestration.sources import all_sources
from orchestration.sql import literal

_TOKEN = re.compile(r"\{(day|number|text)\d\}")
_SHOWN_VALUES = 12


class Finding(Declared):
    """A code in words: what it is, what is to be corrected, and its detail's words in Vietnamese."""

    title: str
    correct: str
    detail: dict[str, str] = Field(default_factory=dict)


class Identity(Declared):
    """An identity and what stands on its two sides."""

    title: str
    left: str
    right: str


class Texts(Declared):
    """Everything that a release can hold a code of, by code."""

    rules: dict[str, Finding]
    reasons_of_rows: dict[str, Finding]
    kinds: dict[str, str]
    reasons_of_files: dict[str, Finding]
    restatements: dict[str, str]
    buckets: dict[str, str]
    timeliness: dict[str, str]
    differences: dict[str, str]
    identities: dict[str, Identity]
    doubts: dict[str, str]
    tests_of_models: dict[str, str]
    observed: dict[str, str]
    remedies: dict[str, str]
    statuses: dict[str, str]
    freshness: dict[str, str]
    rhythm_units: dict[str, str]
    decisions: dict[str, str]
    periods: dict[str, str]
    scopes: dict[str, str]
    scores: dict[str, str]


@cache
def texts() -> Texts:
    """The declared texts. Raises DeclarationError for a file that cannot be meant."""
    return load(Path(__file__).with_name("texts.yml"), Texts)


def title_of(findings: Mapping[str, Finding], code: str) -> str:
    """A code in words; one that nobody declared stands for itself."""
    return findings[code].title if code in findings else code


def words_of_test(model: str, code: str) -> str | None:
    """What a test of a model says, found by what follows the model's name in its code or by the end of that."""
    told, rest = texts().tests_of_models, code.removeprefix(f"{model}_")
    ends = [end for end in told if rest == end or rest.endswith(f"_{end}")]
    return told[max(ends, key=len)] if ends else None


def in_vietnamese(findings: Mapping[str, Finding], code: str, detail: str) -> str:
    """SQL: the detail of a finding, both given as columns, in the words that are declared for its code."""
    cases = []
    for name, finding in findings.items():
        if finding.detail:
            turned = detail
            for words, told in finding.detail.items():
                pattern, replacement = _pattern(words, told)
                turned = f"regexp_replace({turned}, {literal(pattern)}, {literal(replacement)})"
            cases.append(f"when {literal(name)} then {turned}")
    return f"case {code} {' '.join(cases)} else {detail} end"


def observed(text: str) -> str:
    """What a check observed, in Vietnamese where its words are declared."""
    for words, told in texts().observed.items():
        pattern, replacement = _pattern(words, told)
        text = re.sub(pattern, replacement, text)
    return text


def _pattern(words: str, told: str) -> tuple[str, str]:
    """The regular expression of a detail and what it becomes; days as dd/MM/yyyy."""
    pattern, groups, place = "", {}, 1
    end = 0
    for token in _TOKEN.finditer(words):
        pattern += re.escape(words[end : token.start()])
        if token[1] == "day":
            pattern += r"(\d{4})-(\d\d)-(\d\d)"
            groups[token[0]] = rf"\{place + 2}/\{place + 1}/\{place}"
            place += 3
        else:
            pattern += r"(\d+)" if token[1] == "number" else "(.*)"
            groups[token[0]] = rf"\{place}"
            place += 1
        end = token.end()
    return f"(?s)^{pattern}{re.escape(words[end:])}$", _TOKEN.sub(lambda token: groups[token[0]], told)


def columns_told() -> list[tuple[str, str, str, str]]:
    """(source, column, its Vietnamese header, how its cells are to be written) of every declared column."""
    kinds = texts().kinds
    rows = []
    for source in all_sources().values():
        for column in source.columns:
            how = kinds.get(column.kind, "")
            if column.kind == "list" and column.values:
                named = [spellings[-1] for spellings in column.values.values() if spellings]
                more = ", …" if len(named) > _SHOWN_VALUES else ""
                how = f"{how} {', '.join(named[:_SHOWN_VALUES])}{more}"
            rows.append((source.source, column.name, column.names[0] if column.names else column.name, how))
    return rows
