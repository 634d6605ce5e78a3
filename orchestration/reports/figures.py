"""Any KPI for any period as known on any day, and the rows behind it, from the release's own macros."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.catalogue import scope_types
from orchestration.errors import UsageError
from orchestration.publishing.releases import Release, open_release
from orchestration.sql import literal

CONVENTIONS = ("separate", "form_06a")


@dataclass(frozen=True)
class Kpi:
    """A KPI as the release's catalogue describes it; a rate's value is a fraction of 1, of any other in `unit`."""

    kind: str
    unit: str
    name_vi: str = ""
    is_headline: bool = False

    @property
    def shown_in(self) -> str:
        """The unit that people read it in."""
        return "%" if self.kind == "rate" else self.unit


@dataclass(frozen=True)
class Question:
    """A period as known on a day, in a convention, narrowed to a scope. Days are inclusive."""

    from_on: date
    to_on: date
    as_of: date
    convention: str = "separate"
    scope: tuple[str, str] | None = None

    @classmethod
    def of(
        cls,
        release: Release,
        from_on: date | None,
        to_on: date | None,
        as_of: date | None,
        convention: str = "separate",
        scope: str | None = None,
    ) -> Question:
        """The question with the interface's defaults. Raises UsageError for days that cannot be answered."""
        as_of = as_of or release.as_of
        to_on = to_on or as_of
        from_on = from_on or date(to_on.year, 1, 1)
        if as_of > release.as_of:
            raise UsageError(
                f"--as-of {as_of} is after the release's day {release.as_of}: run `cchc nightly --as-of {as_of}` first"
            )
        if to_on > as_of:
            raise UsageError(f"--to {to_on} is after --as-of {as_of}: give an earlier --to or a later --as-of")
        if from_on > to_on:
            raise UsageError(f"--from {from_on} is after --to {to_on}: swap them")
        if convention not in CONVENTIONS:
            raise UsageError(f"--convention {convention!r} is unknown: use {' or '.join(CONVENTIONS)}")
        return cls(from_on, to_on, as_of, convention, _scope(scope))

    @property
    def parameters(self) -> list[str]:
        return [self.from_on.isoformat(), self.to_on.isoformat(), self.as_of.isoformat(), self.convention]


def catalogue(release: Release) -> dict[str, Kpi]:
    """Every KPI of the release by its code."""
    with open_release(release) as con:
        rows = con.execute("select kpi_code, kind, unit, name_vi, is_headline from marts.kpi_catalogue").fetchall()
    return {code: Kpi(kind, unit, name_vi, is_headline) for code, kind, unit, name_vi, is_headline in rows}


def figures(release: Release, question: Question, by: list[str], kpi_codes: list[str]) -> pa.Table:
    """Rows with the columns of kpi_values, period_type `custom`. Raises UsageError for an unknown scope or KPI."""
    for scope_type in by:
        known_scope(scope_type)
    with open_release(release) as con:
        _check_codes(con, kpi_codes)
        return con.sql(
            f"{every_kpi(question)} where {narrowed(question, by, kpi_codes)} order by kpi_code, scope_type, scope_code"
        ).to_arrow_table()


def every_kpi(question: Question) -> str:
    """Every KPI by every scope of a question's period, with the columns of kpi_values, as SQL."""
    first, last, known, convention = map(literal, question.parameters)
    return f"""
        select
            kpi_code, scope_type, scope_code, 'custom' as period_type,
            date {first} as period_start, date {last} as period_end, date {known} as as_of,
            numerator, denominator, value
        from marts.kpis(date {first}, date {last}, date {known}, convention := {convention})
    """


def narrowed(question: Question, by: Sequence[str], kpi_codes: Sequence[str]) -> str:
    """The condition for a question's scope, else for scope types, and for KPIs where some are named, as SQL."""
    if question.scope:
        scope_type, scope_code = map(literal, question.scope)
        conditions = [f"scope_type = {scope_type} and scope_code = {scope_code}"]
    else:
        conditions = [f"scope_type in ({', '.join(map(literal, by))})"]
    if kpi_codes:
        conditions.append(f"kpi_code in ({', '.join(map(literal, kpi_codes))})")
    return " and ".join(conditions)


def rounded(figure: dict[str, Any], kind: str) -> Decimal | None:
    """A figure as people read it: rates in percent and means with two decimals, half up from the exact ratio.

    `figure` is a row of `figures`, `kind` the catalogue's (docs/landing-contract.md, section 4). A sum beyond 64 bits
    stands in the value alone.
    """
    if figure["value"] is None:
        return None
    top, base = figure["numerator"], figure["denominator"]
    if kind not in ("rate", "mean"):
        return Decimal(figure["value"] if top is None else top)
    scale = 100 if kind == "rate" else 1
    exact = scale * Decimal(figure["value"]) if None in (top, base) else scale * Decimal(top) / Decimal(base)
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def behind(release: Release, question: Question, kpi_code: str) -> pa.Table:
    """The rows counted by one figure: of a rate the denominator's with `in_numerator`, of a mean their amounts."""
    with open_release(release) as con:
        _check_codes(con, [kpi_code])
        scope_type, scope_code = question.scope or ("province", "all")
        return con.sql(
            f"""
            select entity_code, in_numerator, amount
            from marts.rows_behind(?::date, ?::date, ?::date, convention := ?)
            where kpi_code = ? and scope_{known_scope(scope_type)} = ?
            order by entity_code
            """,
            params=[*question.parameters, kpi_code, scope_code],
        ).to_arrow_table()


def _check_codes(con: duckdb.DuckDBPyConnection, kpi_codes: list[str]) -> None:
    known = {code for (code,) in con.execute("select kpi_code from marts.kpi_catalogue").fetchall()}
    for code in kpi_codes:
        if code not in known:
            raise UsageError(f"the KPI {code!r} is unknown: one of {', '.join(sorted(known))}")


def known_scope(scope_type: str) -> str:
    if scope_type not in scope_types():
        raise UsageError(f"the scope type {scope_type!r} is unknown: one of {', '.join(scope_types())}")
    return scope_type


def _scope(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    scope_type, separator, code = text.partition("=")
    if not separator or not code:
        raise UsageError(f"--scope {text!r}: write TYPE=CODE, such as agency=H33.01")
    return known_scope(scope_type), code
