"""The main figures a second time, from the lake: `double_entry.sql` against the warehouse, as a bounded frame.

Shares no rule with `models/` and `macros/` (docs/decisions/0006-double-entry.md). Suite `double_entry` judges it.
"""

from __future__ import annotations

from datetime import date
from importlib.resources import files

import duckdb
import pandas as pd

SUBJECTS = ("dossiers", "plan_tasks", "payments", "health_lookups", "civil_registrations")
SLICES = 16

_TOTALS = """
select
    'totals' as comparison, subject, figure, scope_type, period_type || ' ' || period_start as period,
    count(*) as compared,
    count(*) filter (agrees) as agreeing,
    min(
        scope_code || ': published ' || coalesce(first_value::varchar, 'none')
        || ', counted ' || coalesce(second_value::varchar, 'none')
    ) filter (not agrees) as example
from totals
group by subject, figure, scope_type, period
"""


def slice_of(as_of: date) -> str:
    """The sixteenth that a night looks at: a hex digit. Sixteen days in a row have sixteen of them."""
    return f"{as_of.toordinal() % SLICES:x}"


def double_entry_frame(con: duckdb.DuckDBPyConnection, whole: bool) -> pd.DataFrame:
    """One row per comparison, subject, figure, scope type and period, from a connection to a built warehouse.

    `rows`: on how many keys of the slice the warehouse and the second entry agree about one fact. `totals`: on how
    many scopes `kpi_values` and the second count agree. `slice` is the first hex digit of md5 of the keys looked
    at, `all` for a whole one; `example` names one key or scope that differs.
    """
    [(as_of,)] = con.execute("select as_of from lake.run").fetchall()
    looked_at = None if whole else slice_of(as_of)
    con.execute(f"set variable slice = {'null' if whole else repr(looked_at)}")
    con.execute(files(__package__).joinpath("double_entry.sql").read_text("utf-8"))
    frame = con.execute(" union all ".join([*(_rows(con, subject) for subject in SUBJECTS), _TOTALS])).df()
    frame["disagreeing"] = frame["compared"] - frame["agreeing"]
    frame["slice"] = looked_at or "all"
    return frame.sort_values(["comparison", "subject", "figure", "scope_type", "period"], ignore_index=True)


def _rows(con: duckdb.DuckDBPyConnection, subject: str) -> str:
    """The comparison of a subject's rows, fact by fact; a row that one side lacks differs in its very key."""
    facts = [name for (name, *_) in con.execute(f"describe second_{subject}").fetchall()]
    outcomes = ", ".join(
        f"{{fact: '{fact}', agreeing: count(*) filter (ours.{fact} is not distinct from theirs.{fact}), "
        f"example: min(coalesce(ours.entity_code, theirs.entity_code)) "
        f"filter (ours.{fact} is distinct from theirs.{fact})}}"
        for fact in facts
    )
    return f"""
    select
        'rows' as comparison, '{subject}' as subject, outcome.fact as figure, 'row' as scope_type, '-' as period,
        compared, outcome.agreeing, outcome.example
    from (
        select count(*) as compared, unnest([{outcomes}]) as outcome
        from (from first_{subject} where in_slice(entity_code)) as ours
        full join second_{subject} as theirs on ours.entity_code = theirs.entity_code
    ) as {subject}_outcomes
    """
