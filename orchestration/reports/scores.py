"""An index's scorecard for any period as known on any day, from the release's own macros."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from orchestration.errors import UsageError
from orchestration.publishing.releases import Release, open_release
from orchestration.reports.figures import Question, known_scope

# SQL: every criterion with the way down to it; ordered by its place, a group comes before what is below it.
PLACED = """
    with recursive placed as (
        select index_code, version, criterion_code, name_vi, [criterion_code] as place, 0 as depth
        from marts.scorecard_criteria where parent_code is null
        union all
        select
            below.index_code, below.version, below.criterion_code, below.name_vi,
            list_append(placed.place, below.criterion_code), placed.depth + 1
        from placed
        inner join marts.scorecard_criteria as below
            on placed.index_code = below.index_code and placed.version = below.version
            and placed.criterion_code = below.parent_code
    )
"""


def scores(release: Release, question: Question, by: list[str], index_code: str) -> pa.Table:
    """Rows with the columns of scorecard_values, period_type `custom`, and `name_vi`; a group before what is below it.

    Points have two decimals, half up from the exact ratio (docs/decisions/0015-scorecards.md). Raises UsageError for an
    unknown index or scope.
    """
    condition, scopes = f"scope_type in ({', '.join('?' * len(by))})", [known_scope(scope_type) for scope_type in by]
    if question.scope:
        condition, scopes = "scope_type = ? and scope_code = ?", list(question.scope)
    with open_release(release) as con:
        _check_index(con, index_code)
        return con.sql(
            f"""
            {PLACED}
            select scores.*, placed.name_vi
            from marts.scores(?::date, ?::date, ?::date, convention := ?) as scores
            inner join placed using (index_code, version, criterion_code)
            where index_code = ? and {condition}
            order by version, scope_type, scope_code, place
            """,
            params=[*question.parameters, index_code, *scopes],
        ).to_arrow_table()


def points_lost(release: Release, question: Question) -> pa.Table:
    """Through which agencies and procedures the province loses the points of each criterion, ranked."""
    with open_release(release) as con:
        return con.sql(
            """
            select * from marts.points_lost_through(?::date, ?::date, ?::date, convention := ?)
            order by index_code, version, criterion_code, scope_type, place, scope_code
            """,
            params=question.parameters,
        ).to_arrow_table()


def indexes(release: Release) -> list[str]:
    """The indexes of which the release has criteria."""
    with open_release(release) as con:
        return _indexes(con)


def _indexes(con: duckdb.DuckDBPyConnection) -> list[str]:
    found = con.sql("select distinct index_code from marts.scorecard_criteria order by index_code").fetchall()
    return [code for (code,) in found]


def _check_index(con: duckdb.DuckDBPyConnection, index_code: str) -> None:
    known = _indexes(con)
    if index_code not in known:
        raise UsageError(f"the index {index_code!r} is unknown: one of {', '.join(known)}")
