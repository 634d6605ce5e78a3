"""What the dashboard shows, from the release's tables and macros alone: aggregates, and the first dossiers of lists."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.reports.scores import PLACED
from orchestration.reports.small_cells import OF_PERSONS, SMALLEST, is_small
from orchestration.sql import literal

# How far back the page goes, by period type.
PERIODS = {"month": 24, "quarter": 8, "year": 5}
WITHHELD = -1
# The days of the year before that stand against the running year, as a type of period.
STRETCH = "stretch"
LISTED = 15
FACILITIES_DRAWN = 30
SOON_WORKING_DAYS = 3
_OPENED = ("dossiers_received", "dossiers_resolved", "dossiers_resolved_late", "dossiers_in_process",
           "dossiers_in_process_overdue")  # fmt: skip
_TIME = "average_processing_working_days"
_PAID, _LOOKED_UP = "payments_paid", "health_lookups"
# Days of processing above this are one bar.
LONGEST_DAYS = 30


@cache
def declared() -> dict[str, Any]:
    """What stands on the page: cards, charts and the grammar's specifications, as `dashboard.yml` has them."""
    return yaml.load((Path(__file__).parent / "dashboard.yml").read_text("utf-8"), yaml.CSafeLoader)


def content(con: duckdb.DuckDBPyConnection, release_id: str, as_of: date) -> dict[str, Any]:
    """The page's data, ready for JSON.

    `figures` holds by scope (`agency=H33.01`) and KPI the numerators of all `periods`, and the denominators where there
    are some; null is a missing figure, `WITHHELD` one that is too small to be shown.
    """
    _prepare(con, as_of)
    return {
        "release_id": release_id,
        "as_of": as_of.isoformat(),
        **declared(),
        "withheld": WITHHELD,
        "smallest": SMALLEST,
        "kpis": _json(con, _KPIS),
        "periods": _json(con, "select list(dashboard_periods order by place) from dashboard_periods"),
        "figures": _json(con, _FIGURES),
        "agencies": _json(con, _AGENCIES),
        "fields": _json(con, _FIELDS),
        "procedures": _json(con, _PROCEDURES),
        "days": {"most": LONGEST_DAYS, "of": _json(con, _DAYS)},
        "providers": _json(con, _PROVIDERS),
        "facilities": {"drawn": FACILITIES_DRAWN, **_json(con, _FACILITIES)},
        "communes": _json(con, _communes(as_of)),
        "ranks": _json(con, _ranks(declared()["indexes"])),
        "scores": _scores(con, as_of),
        "quality": _json(con, _QUALITY),
        "opened": {"kpis": _OPENED, "from": date(as_of.year, 1, 1).isoformat(), "by": _json(con, _OPENED_BY)},
        "dossiers": {"listed": LISTED, "soon": SOON_WORKING_DAYS, "of": _json(con, _DOSSIERS)},
    }


def _json(con: duckdb.DuckDBPyConnection, query: str) -> Any:
    [(text,)] = con.execute(f"select to_json(({query}))").fetchall()
    return {} if text is None else json.loads(text)


def _prepare(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
    first = date(as_of.year, 1, 1)
    counted = " ".join(f"when '{period_type}' then {number}" for period_type, number in PERIODS.items())
    con.execute(
        f"""
        create or replace temp table dashboard_periods as
        select row_number() over (order by period_type, period_start) - 1 as place, period_type as type,
            period_start as "from", period_end as "to"
        from (select distinct period_type, period_start, period_end from marts.kpi_values where scope_type = 'province')
        qualify row_number() over (partition by period_type order by period_start desc)
            <= case period_type {counted} end
        """
    )
    _prepare_stretch(con, as_of)
    con.execute(
        """
        create or replace temp table dashboard_rows as
        select kpi_code, entity_code, amount, scope_level, scope_agency, scope_field, scope_procedure, scope_commune
        from marts.rows_behind(?::date, ?::date, ?::date, convention := 'separate')
        where kpi_code in (select unnest(?))
        """,
        [first, as_of, as_of, [*_OPENED, _TIME, _PAID, _LOOKED_UP]],
    )
    con.execute(
        """
        create or replace temp table dashboard_listed as
        select scope_agency as agency, dossier_code as code, procedure_code as "procedure", due_date as due,
            if(kpi_code = 'dossiers_in_process_overdue', 'overdue', 'soon') as list,
            row_number() over (partition by agency, list order by due_date, dossier_code) as number
        from dashboard_rows
        join marts.fct_dossiers on dossier_code = entity_code
        where kpi_code = 'dossiers_in_process_overdue'
            or kpi_code = 'dossiers_in_process' and timeliness = 'within_due' and not is_paused
            and due_date between ?::date and (
                select max(date_day) from (
                    select date_day from marts.dim_date where is_working_day and date_day > ?::date
                    order by date_day limit ?
                )
            )
        """,
        [as_of, as_of, SOON_WORKING_DAYS],
    )


def _prepare_stretch(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Of the cards the KPIs of dossiers over the same days of the year before, unless the year is whole or the first.

    Of persons none: whole months less such a stretch would tell of a few days.
    """
    con.execute(
        "create or replace temp table dashboard_stretch as "
        "select kpi_code, scope_type, scope_code, numerator, denominator, value from marts.kpi_values where false"
    )
    stretch = con.execute(
        """
        select "from", ($as_of - interval 1 year)::date from dashboard_periods
        where type = 'year' and "from" = make_date(year($as_of) - 1, 1, 1) and $as_of < make_date(year($as_of), 12, 31)
        """,
        {"as_of": as_of},
    ).fetchone()
    if stretch is None:
        return
    con.execute(
        f"insert into dashboard_periods select max(place) + 1, '{STRETCH}', ?, ? from dashboard_periods", stretch
    )
    cards = {kpi for group in declared()["cards"] for kpi in group["kpis"]}
    codes = con.execute("select kpi_code from marts.kpi_catalogue where mart = 'fct_dossiers'").fetchall()
    # Literals reach the rows that are read; codes of a table would not.
    listed = ", ".join(literal(code) for (code,) in codes if code in cards)
    con.execute(
        f"""
        insert into dashboard_stretch
        select kpi_code, scope_type, scope_code, numerator, denominator, value
        from marts.kpis(?::date, ?::date, ?::date)
        where kpi_code in ({listed}) and scope_type in ('province', 'level', 'agency', 'field')
        """,
        [*stretch, as_of],
    )


def _ranks(kpis: dict[str, str]) -> str:
    """SQL: by KPI of a rank its years, rank, and how many were ranked."""
    codes = " ".join(f"when '{index}' then '{kpi}'" for index, kpi in kpis.items())
    return f"""
        select map(list(kpi), list(years)) from (
            select case index_code {codes} end as kpi,
                list(json_array(year, rank, ranked_units) order by year) as years
            from marts.fct_index_results
            where domain_code is null and rank is not null and kpi is not null
            group by kpi order by kpi
        )
    """


def _scores(con: duckdb.DuckDBPyConnection, as_of: date) -> list[dict[str, Any]]:
    """The province's scorecards of the running year, a group before what is below it."""
    found = con.execute(
        f"""
        {PLACED}
        select index_code, version, criterion_code, name_vi, depth, max_points, points, points_lost, status
        from marts.scorecard_values
        join placed using (index_code, version, criterion_code)
        where scope_type = 'province' and period_type = 'year' and period_start = ?
        order by index_code, version, place
        """,
        [date(as_of.year, 1, 1)],
    )
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


_KPIS = f"""
    select map(list(kpi_code), list({{
        name: name_vi, kind: kind, unit: unit, direction: direction, formula: formula_vi, target: target,
        of_persons: {OF_PERSONS}
    }}))
    from (
        select catalogue.*, target.threshold as target
        from marts.kpi_catalogue as catalogue
        left join (
            select numerator as kpi_code, max(threshold)::double as threshold
            from marts.scorecard_criteria
            where standing = 'verified' and numerator = denominator
            group by all
        ) as target using (kpi_code)
        order by kpi_code
    )
"""

# Every KPI of the province; of agencies, levels and fields those of dossiers. Where one month of a quarter, or quarter
# of a year, is too small to be shown, the least of the others is withheld, too: the sum less the others would tell it.
_FIGURES = f"""
    with counted as (
        select
            scope_type || '=' || scope_code as scope, kpi_code, place, type, numerator, denominator, value,
            case type when 'month' then date_trunc('quarter', period_start) else date_trunc('year', period_start)
            end as within,
            {is_small()} as is_small
        from (
            from marts.kpi_values
            union all by name
            select dashboard_stretch.*, type as period_type, "from" as period_start
            from dashboard_stretch
            join dashboard_periods on type = '{STRETCH}'
        )
        join marts.kpi_catalogue using (kpi_code)
        join dashboard_periods
            on dashboard_periods.type = period_type and dashboard_periods."from" = period_start
        where scope_type = 'province'
            or scope_type in ('agency', 'level', 'field')
            and mart = 'fct_dossiers'
            and kpi_code not in ('dossiers_carried_over', 'dossiers_resolved_without_due_date')
    ),
    shown as (
        select
            scope, kpi_code, place,
            is_small or type in ('month', 'quarter') and 1 = row_number() over (
                partition by scope, kpi_code, type, within, is_small order by numerator, place
            ) and 1 = count(*) filter (is_small) over (partition by scope, kpi_code, type, within) as is_withheld,
            case
                when is_withheld then {WITHHELD} when value is not null then coalesce(numerator, value)
            end::hugeint as top,
            case when not is_withheld and numerator is not null then denominator end as base
        from counted
    ),
    spread as (
        select scope, kpi_code, list(top order by grid.place) as n, list(base order by grid.place) as d,
            count(base) > 0 as has_base
        from (select distinct scope, kpi_code from shown)
        cross join (select place from dashboard_periods) as grid
        left join shown using (scope, kpi_code, place)
        group by all
    )
    select map(list(scope), list(kpis)) from (
        select scope, map(
            list(kpi_code order by kpi_code),
            list(if(has_base, [n, d], [n]) order by kpi_code)
        ) as kpis
        from spread group by scope order by scope
    )
"""

_AGENCIES = """
    select map(list(scope_code), list({name: coalesce(agency_name, scope_code), level: coalesce(level, 'unknown')}))
    from (
        select distinct scope_code from marts.kpi_values
        where scope_type = 'agency' and kpi_code = 'dossiers_received' and period_type = 'year'
        order by scope_code
    )
    left join (from marts.dim_agency where is_current) on agency_code = scope_code
"""

_FIELDS = """
    select map(list(scope_code), list(coalesce(field_name, scope_code)))
    from (
        select scope_code, max(field_name) as field_name
        from (select distinct scope_code from marts.kpi_values where scope_type = 'field')
        left join marts.dim_procedure on field_code = scope_code and is_current
        group by all order by scope_code
    )
"""

_PROCEDURES = """
    select map(list(code), list(coalesce(name, code)))
    from (
        select scope_procedure as code, max(procedure_name) as name
        from (select distinct scope_procedure from dashboard_rows where scope_procedure is not null)
        left join marts.dim_procedure on procedure_code = scope_procedure and is_current
        group by all order by code
    )
"""

# By agency rows of field, procedure and the numbers of rows behind each of `_OPENED`.
_OPENED_BY = f"""
    select map(list(agency), list(rows)) from (
        select agency, list(json_array(field, "procedure", {", ".join(f"n{i}" for i in range(len(_OPENED)))})
                            order by field, "procedure") as rows
        from (
            select scope_agency as agency, scope_field as field, scope_procedure as "procedure",
                {", ".join(f"count(*) filter (kpi_code = '{code}') as n{i}" for i, code in enumerate(_OPENED))}
            from dashboard_rows where scope_agency is not null group by all
        )
        group by agency order by agency
    )
"""

_DOSSIERS = f"""
    select map(list(agency), list(lists)) from (
        select agency, map(list(list), list({{known: total, first: first}})) as lists
        from (
            select agency, list, count(*) as total,
                list([code, "procedure", due::varchar] order by number) filter (number <= {LISTED}) as first
            from dashboard_listed where agency is not null group by all order by agency, list
        )
        group by agency order by agency
    )
"""

# By scope the number of resolved dossiers by working days, the longest ones together.
_DAYS = f"""
    select map(list(scope), list(days)) from (
        select scope, list(json_array(days, number) order by days) as days
        from (
            select scope, days, sum(n)::bigint as number
            from (
                select unnest([
                    'province=all', 'level=' || scope_level, 'agency=' || scope_agency, 'field=' || scope_field
                ]) as scope, days, n
                from (
                    select scope_level, scope_agency, scope_field, least(amount, {LONGEST_DAYS} + 1) as days,
                        count(*) as n
                    from dashboard_rows where kpi_code = '{_TIME}' and amount is not null group by all
                )
            )
            group by all
        )
        where scope is not null group by scope order by scope
    )
"""

# Providers with the numbers and sums of what was paid through them in the running year, the most used first.
_PROVIDERS = f"""
    select coalesce(list(json_array(code, name, number, amount) order by number desc, code), [])
    from (
        select paid.provider_code as code, max(coalesce(provider_name, paid.provider_code)) as name,
            count(*) as number, sum(paid.amount)::hugeint as amount
        from dashboard_rows
        join marts.fct_payments as paid on transaction_code = entity_code
        left join marts.dim_payment_provider using (provider_key)
        where kpi_code = '{_PAID}' group by all
    )
"""

# Facilities by their look-ups of the running year, how many there are, and the communes of those that are not listed.
# Small numbers are not, and never a single one, which the province's figure less the others would tell.
_FACILITIES = f"""
    with used as (
        select facility_key, max(coalesce(dim.facility_name, looked.facility_code, 'Không rõ')) as name,
            coalesce(max(looked.facility_code), '') as code, max(scope_commune) as commune, count(*) as number,
            row_number() over (order by count(*) desc, facility_key) as place,
            count(*) filter (count(*) < {SMALLEST}) over () as small, count(*) over () as known
        from dashboard_rows
        join marts.fct_health_lookups as looked on lookup_code = entity_code
        left join marts.dim_health_facility as dim using (facility_key)
        where kpi_code = '{_LOOKED_UP}' group by facility_key
    ),
    told as (select *, number >= {SMALLEST} and place <= known - if(small = 1, 2, small) as is_listed from used)
    select {{
        listed: coalesce(list(json_array(code, name, commune, number) order by place) filter (is_listed), []),
        known: count(*),
        partly: coalesce(list(distinct commune) filter (not is_listed and commune is not null), [])
    }} from told
"""


def _communes(as_of: date) -> str:
    """SQL: the communes in force of each district with a look-up, by code their name and district."""
    return f"""
        with units as (
            from marts.dim_admin_unit where date '{as_of}' >= valid_from and date '{as_of}' < valid_to
        )
        select map(list(unit_code), list({{name: unit_name, district: district}})) from (
            select commune.unit_code, commune.unit_name, district.unit_name as district
            from units as commune
            join units as district on district.unit_code = commune.parent_code
            where commune.level = 'commune' and commune.parent_code in (
                select parent_code from units where unit_code in (
                    select scope_commune from dashboard_rows where kpi_code = '{_LOOKED_UP}'
                )
            )
            order by district.unit_code, commune.unit_code
        )
    """


_QUALITY = """
    select {
        checks: (select count(*) from marts.dq_check_results),
        passed: (select count(*) from marts.dq_check_results where status = 'passed'),
        blocking: (select count(*) from marts.dq_check_results where is_blocking and status <> 'passed'),
        rejected_files: (select count(*) from marts.dq_rejected_files),
        rejected_rows: (select count(*) from marts.dq_rejected_rows),
        flags: (select count(*) from marts.dq_flags),
        late: (select count(*) from marts.dq_source_freshness where freshness in ('late', 'overdue'))
    }
"""
