"""What a review page is made of: sections of tables, each count with the first of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from orchestration.lake.decisions import Decision
from orchestration.quality.verdict import Waiver

Summary = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """The release that a page speaks of: id, day, code, and as its manifest says the files that count (`sources`), with
    the decisions in force on landed files. The page's figures are of the year that runs on the day, or of the `period`
    (first and last day) of a pack."""

    release_id: str
    as_of: date
    code_version: str
    files: Sequence[Mapping[str, Any]]
    decisions: Sequence[Decision] = ()
    period: tuple[date, date] | None = None


@dataclass(frozen=True)
class Former:
    """A release published before: its summary, and name and sum of each file that it counts."""

    summary: Summary
    files: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """A table; `hidden` rows more are not listed, and stand in `where`. A folded one opens by its caption, and has a
    `key` where something leads to it."""

    caption: str
    headers: tuple[str, ...]
    rows: tuple[Row, ...]
    hidden: int = 0
    where: str = ""
    is_folded: bool = False
    key: str = ""


@dataclass(frozen=True)
class Row:
    """A row's cells; what it counts opens as a table, or in another section. `marks` are data attributes."""

    cells: tuple[Any, ...]
    opens: Table | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    opens_in: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page: what it says in words, and its tables."""

    key: str
    title: str
    lead: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    is_bad: bool = False


@dataclass(frozen=True)
class Page:
    """Everything on the page."""

    subject: Subject
    passed: bool
    headlines: tuple[tuple[str, str, str], ...]
    waivers: tuple[Waiver, ...]
    sections: tuple[Section, ...]
