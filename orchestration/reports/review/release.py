"""The release that a page is over: asked in sets, told in words, as many rows as may be listed; the rest by number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from orchestration.catalogue import kpi_codes
from orchestration.plain import visible
from orchestration.reports.figures import rounded
from orchestration.reports.layout.shown import MISSING, shown
from orchestration.reports.review.declared import texts
from orchestration.reports.review.parts import Former, Row, Subject, Summary, Table
from orchestration.sources import all_sources

# A section lists no more than so many rows, a count of it no more than so many, a table no more groups than so many.
_OF_SECTION, OF_COUNT, _GROUPS = 2_000, 200, 400
FORMER_SHOWN = 5


@dataclass(frozen=True)
class ReviewedRelease:
    """What every section needs: the release, its summary, those before it (oldest first), names of offices."""

    con: duckdb.DuckDBPyConnection
    subject: Subject
    summary: Summary
    former: Sequence[Former]
    offices: Mapping[str, str]
    checks: Sequence[Mapping[str, Any]]

    @property
    def last(self) -> Former | None:
        return self.former[-1] if self.former else None

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.con.execute(query, list(parameters)).fetchall()

    def office(self, code: str) -> str:
        name = self.offices.get(code)
        return visible(code) if name is None or name == code else f"{name} ({code})"


def catalogue(release: ReviewedRelease) -> list[tuple[str, str, str, str]]:
    """(code, Vietnamese name, kind, unit) of every KPI, in the catalogue's order."""
    places = {code: place for place, code in enumerate(kpi_codes())}
    found: list[Any] = release.rows("select kpi_code, name_vi, kind, unit from marts.kpi_catalogue order by kpi_code")
    return sorted(found, key=lambda kpi: places.get(kpi[0], len(places)))


def running_kpis(release: ReviewedRelease) -> list[tuple[str, str, str]]:
    """(code, Vietnamese name, value as shown) of the province's running year."""
    values = release.summary["kpis"]["values"]
    found = catalogue(release)
    return [(code, name, kpi_told(values[code], kind, unit)) for code, name, kind, unit in found if code in values]


def running_told(release: ReviewedRelease) -> str:
    """The period of the page's figures."""
    if not release.summary["kpis"]["period_start"]:
        return "kỳ chưa có số liệu"
    start, end = (date.fromisoformat(release.summary["kpis"][day]) for day in ("period_start", "period_end"))
    if release.subject.period:
        return f"kỳ từ {shown(start)} đến {shown(end)}"
    return f"{period_told('year', start)} (đến {shown(end)})"


def kpi_told(figure: Mapping[str, Any], kind: str, unit: str) -> str:
    value = rounded(dict(figure), kind)
    if value is None:
        return MISSING
    whole = kind not in ("rate", "mean") and value == int(value)
    return shown(int(value) if whole else value) + (" %" if kind == "rate" else f" {unit}" if kind == "amount" else "")


def movement(before: Any, after: Any) -> str:
    """By how much a figure moved, both of them as shown."""
    if before is None or after is None:
        return MISSING
    moved = after - before
    return ("+" if moved > 0 else "") + shown(int(moved) if moved == int(moved) else moved)


def change(before: int, after: int) -> str:
    return f"+{shown(after - before)}" if after > before else shown(after - before)


def trend(
    release: ReviewedRelease, what: str, key: Callable[[Mapping[str, Any]], str], found: Sequence[tuple[str, int]]
) -> tuple[Callable[[str], tuple[int, ...]], list[tuple[str, int]]]:
    """What each former release counted of a key of its summary, oldest first; and with the count 0 the keys that the
    last one had and that are not `found` any more."""
    counted = []
    for former in release.former:
        of: dict[str, int] = {}
        for one in former.summary[what]:
            of[key(one)] = of.get(key(one), 0) + one["count"]
        counted.append(of)
    gone = sorted((counted[-1] if counted else {}).keys() - {code for code, _ in found})
    return lambda code: tuple(of.get(code, 0) for of in counted), [(code, 0) for code in gone]


def former_days(release: ReviewedRelease) -> tuple[str, ...]:
    """How the columns of former releases are headed."""
    return tuple(
        f"Bản {former.summary['release_id'].split('_')[0].lstrip('0')}, "
        f"{shown(date.fromisoformat(former.summary['as_of']))}"
        for former in release.former
    )


def since_last(release: ReviewedRelease, former: tuple[int, ...], count: int) -> str:
    return change(former[-1], count) if release.former else MISSING


def scope_told(release: ReviewedRelease, scope_type: str, code: str) -> str:
    name = texts().scopes.get(scope_type, scope_type)
    if code == "all":
        return name if scope_type == "province" else f"{name}: tất cả"
    return f"{name}: {release.office(code) if scope_type == 'agency' else visible(code)}"


def period_told(period_type: str, start: date) -> str:
    name = texts().periods.get(period_type, period_type)
    if period_type == "month":
        return f"{name} {start:%m/%Y}"
    if period_type == "quarter":
        return f"{name} {(start.month + 2) // 3}/{start.year}"
    return f"{name} {start.year}"


def by_group(
    release: ReviewedRelease,
    query: str,
    keys: int,
    groups: int,
    order: str = "all",
    within: str = "",
    most: int = OF_COUNT,
) -> dict[tuple[Any, ...], list[tuple[Any, ...]]]:
    """The first rows of each group: `query` gives `keys` columns that name it, then what is shown of a row."""
    share = min(most, max(3, _OF_SECTION // max(groups, 1)))
    result = release.con.execute(f"select * from ({query}) limit 0")
    columns = [column[0] for column in result.description or ()]
    names = columns[:keys]
    ordered = ", ".join(columns[keys:]) if order == "all" else order
    partition = ", ".join([*names, *([within] if within else [])])
    grouped: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row in release.rows(
        f"select {', '.join(columns)} from (select *, row_number() over (partition by {partition} order by {ordered}) "
        f"as place from ({query})) where place <= {share} order by {partition}, place"
    ):
        grouped.setdefault(row[:keys], []).append(row[keys:])
    return grouped


def counted_table(
    caption: str,
    headers: tuple[str, ...],
    groups: Sequence[tuple[tuple[Any, ...], tuple[Any, ...], int]],
    opened: Mapping[tuple[Any, ...], Sequence[tuple[Any, ...]]],
    opened_headers: tuple[str, ...],
    where: str,
    marks: tuple[str, ...],
    most: int = _GROUPS,
) -> Table:
    """A table of counts, each with its first rows: of a group its key, its cells, its count."""
    rows = []
    for key, cells, count in groups[:most]:
        listed = opened.get(key, ())
        opens = None
        if count and listed:
            inner = tuple(Row(tuple(row)) for row in listed)
            opens = Table(f"{shown(count)} dòng", opened_headers, inner, count - len(inner), where)
        named = {name: visible("" if value is None else str(value)) for name, value in zip(marks, key, strict=True)}
        rows.append(Row(cells, opens, named | {"count": str(count)}))
    return Table(caption, headers, tuple(rows), len(groups) - len(rows), where)


def source_title(source: str | None) -> str:
    declared = all_sources().get(source or "")
    return declared.title_vi if declared else source or MISSING
