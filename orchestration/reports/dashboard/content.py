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
from orchestration.reports.small_cells import OF_PERSONS, SMALLEST, withheld
from orchestration.sql import literal

# How far back the page goes, by period type.
PERIODS = {"month": 24, "quarter": 8, "year": 5}
WITHHELD = -1
# The same days of a former period that stand against a running one, as a type of period.
STRETCH = "stretch"
LISTED = 15
FACILITIES_DRAWN = 30
SOON_WORKING_DAYS = 3
_OPENED = ("dossiers_received", "dossiers_resolved", "dossiers_resolved_late", "dossiers_in_process",
           "dossiers_in_process_overdue")  # fmt: skip
_TIME = "average_processing_working_days"
_PAID, _PAID_AMOUNT, _LOOKED_UP = "payments_paid", "payments_paid_amount", "health_lookups"
# Days of processing above this are one bar.
LONGEST_DAYS = 30


@cache
def declared() -> dict[str, Any]:
    """What stands on the page: cards, charts and the grammar's specifications, as `dashboard.yml` has them."""
    return yaml.load((Path(__file__).parent / "dashboard.yml").read_text("utf-8"), yaml.CSafeLoader)


def content(con: duckdb.DuckDBPyConnection, release_id: str, as_of: date) -> dict[str, Any]:
    """The page's data, ready for JSON.

    `figures` holds by scope (`agency=H33.01`) and KPI the numerators of all `periods`, and the denominators where there
    are some; null is a missing figure, `WITHHELD` one that is too small to be shown. What is split further stands by
    the place of its period in `periods`, where there is any.
    """
    _prepare(con, as_of)
    periods = _json(con, "select list(dashboard_periods order by place) from dashboard_periods")
    return {
        "release_id": release_id,
        "as_of": as_of.isoformat(),
        **declared(),
        "withheld": WITHHELD,
        "smallest": SMALLEST,
        "kpis": _json(con, _KPIS),
        "periods": periods,
        "compared": _json(con, _COMPARED),
        "figures": _by(con, _figures(len(periods))),
        "agencies": _json(con, _AGENCIES),
        "fields": _json(con, _FIELDS),
        "procedures": _json(con, _PROCEDURES),
        "days": {"most": LONGEST_DAYS, "of": _by(con, _DAYS)},
        "providers": _used(con, _PROVIDERS),
        "facilities": {"drawn": FACILITIES_DRAWN, **_used(con, _FACILITIES)},
        "communes": _json(con, _communes(as_of)),
        "ranks": _json(con, _ranks(declared()["indexes"])),
        "scores": _scores(con),
        "quality": _json(con, _QUALITY),
        "opened": {"kpis": _OPENED, "by": _opened(con)},
        "dossiers": {"listed": LISTED, "soon": SOON_WORKING_DAYS, "of": _json(con, _DOSSIERS)},
    }


def _json(con: duckdb.DuckDBPyConnection, query: str) -> Any:
    [(text,)] = con.execute(f"select to_json(({query}))").fetchall()
    return {} if text is None else json.loads(text)


def _used(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    """`names`, and by period what was `used`; of nothing neither."""
    return {part: found or {} for part, found in _json(con, query).items()}


def _by(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    """What a query gives as keys and JSON."""
    return {key: json.loads(text) for key, text in con.execute(query).fetchall()}


def _prepare(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
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
    _prepare_stretches(con)
    # Literals reach the rows that are read; codes of a table would not.
    dossiers, others = (
        ", ".join(map(literal, codes)) for codes in ((*_OPENED, _TIME), (_PAID, _PAID_AMOUNT, _LOOKED_UP))
    )
    con.execute(
        f"""
        create or replace temp table dashboard_changes as
        select kpi_code, any_value(is_stock) as is_stock, date_trunc('month', changed_on)::date as month,
            scope_level as level, scope_agency as agency, scope_field as field, scope_procedure as "procedure",
            if(kpi_code = '{_TIME}', least(amount, {LONGEST_DAYS} + 1), null) as days, sum(change)::bigint as number
        from marts.changes_behind(?::date) where kpi_code in ({dossiers})
        group by all
        """,
        [as_of],
    )
    con.execute(
        f"""
        create or replace temp table dashboard_used as
        select kpi_code, entity_code, is_stock, date_trunc('month', changed_on)::date as month,
            scope_commune as commune, change as number, change * amount as amount
        from marts.changes_behind(?::date) where kpi_code in ({others})
        """,
        [as_of],
    )
    con.execute(
        """
        create or replace temp table dashboard_listed as
        select coalesce(agency_code, 'unknown') as agency, dossier_code as code, procedure_code as "procedure",
            due_date as due, if(timeliness = 'overdue', 'overdue', 'soon') as list,
            row_number() over (partition by agency, list order by due_date, dossier_code) as number
        from marts.fct_dossiers
        where bucket = 'in_process' and (
            timeliness = 'overdue'
            or timeliness = 'within_due' and not is_paused
            and due_date between ?::date and (
                select max(date_day) from (
                    select date_day from marts.dim_date where is_working_day and date_day > ?::date
                    order by date_day limit ?
                )
            )
        )
        """,
        [as_of, as_of, SOON_WORKING_DAYS],
    )


def _prepare_stretches(con: duckdb.DuckDBPyConnection) -> None:
    """The same days of former periods as further periods; running periods may share them.

    Of persons none: whole months less such a stretch would tell of a few days.
    """
    con.execute(
        """
        create or replace temp table dashboard_compared as
        with stretches as (
            select distinct period_start, period_end from marts.kpi_same_days where scope_type = 'province'
        ),
        placed as (
            select *, row_number() over (order by period_start, period_end) - 1
                + (select count(*) from dashboard_periods) as place
            from stretches
        )
        select distinct period_type, compared_with, place, period_start, period_end
        from marts.kpi_same_days
        join placed using (period_start, period_end)
        where scope_type = 'province'
        """
    )
    con.execute(
        f"""
        insert into dashboard_periods
        select distinct place, '{STRETCH}', period_start, period_end from dashboard_compared order by place
        """
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


def _scores(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The province's scorecards: the criteria, a group before what is below it, and their points by period."""
    criteria = con.execute(
        f"""
        {PLACED}
        select index_code, version, criterion_code, name_vi, depth from placed
        order by index_code, version, place
        """
    ).fetchall()
    places = {tuple(criterion[:3]): place for place, criterion in enumerate(criteria)}
    at: dict[int, list[Any]] = {}
    for place, index, version, criterion, *points in con.execute(
        """
        select place, index_code, version, criterion_code, max_points, points, points_lost, status
        from marts.scorecard_values
        join dashboard_periods on type = period_type and "from" = period_start
        where scope_type = 'province'
        """
    ).fetchall():
        at.setdefault(place, []).append([places[index, version, criterion], *points])
    return {"criteria": criteria, "points": {place: sorted(rows) for place, rows in sorted(at.items())}}


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


# By type of a running period the places of the same days before.
_COMPARED = """
    select map(list(period_type), list(places)) from (
        select period_type, map(list(compared_with), list(place)) as places
        from (from dashboard_compared order by period_type, compared_with)
        group by period_type order by period_type
    )
"""


# Every KPI of the province; of agencies, levels and fields those of dossiers.
@cache
def _figures(periods: int) -> str:
    """SQL: by scope its figures by KPI, in the order of so many periods."""

    def placed(column: str) -> str:
        return f"[{', '.join(f'max({column}) filter (place = {place})' for place in range(periods))}]"

    cards = ", ".join(literal(kpi) for group in declared()["cards"] for kpi in group["kpis"])
    return f"""
    with counted as (
        select
            scope_type || '=' || scope_code as scope, kpi_code, place, type, period_start, numerator, denominator, value
        from (
            select kpi_code, scope_type, scope_code, period_type, period_start, numerator, denominator, value
            from marts.kpi_values
            union all
            select distinct kpi_code, scope_type, scope_code, '{STRETCH}', period_start, numerator, denominator, value
            from marts.kpi_same_days where kpi_code in ({cards})
        )
        join marts.kpi_catalogue using (kpi_code)
        join dashboard_periods
            on dashboard_periods.type = period_type and dashboard_periods."from" = period_start
        where scope_type = 'province'
            or scope_type in ('agency', 'level', 'field')
            and mart = 'fct_dossiers'
            and kpi_code not in ('dossiers_carried_over', 'dossiers_resolved_without_due_date')
    ),
    hidden as (
        select 'province=all' as scope, kpi_code, period_type as type, period_start, is_withheld
        from ({withheld("(from marts.kpi_values where scope_type = 'province')")})
        where is_withheld
    ),
    shown as (
        select
            scope, kpi_code, place,
            case
                when is_withheld then {WITHHELD} when value is not null then coalesce(numerator, value)
            end::hugeint as top,
            case when is_withheld is not true and numerator is not null then denominator end as base
        from counted
        left join hidden using (scope, kpi_code, type, period_start)
    )
    select scope, to_json(map(list(kpi_code order by kpi_code), list(figures order by kpi_code))) from (
        select scope, kpi_code, if(count(base) > 0, [{placed("top")}, {placed("base")}], [{placed("top")}]) as figures
        from shown group by all
    )
    group by scope order by scope
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
        select "procedure" as code, max(procedure_name) as name
        from (
            select distinct "procedure" from dashboard_changes where "procedure" is not null
            union select "procedure" from dashboard_listed where "procedure" is not null
        )
        left join marts.dim_procedure on procedure_code = "procedure" and is_current
        group by all order by code
    )
"""

# A change counts in a period: of a flow one of its months, of a stock one up to its last.
_COUNTS = f"""type <> '{STRETCH}' and month <= "to" and (is_stock or month >= "from")"""

_COLUMNS = {kpi: f"n{place}" for place, kpi in enumerate(_OPENED)}

_COUNTED = ", ".join(
    f"coalesce(sum(changed.number) filter (kpi_code = '{k}'), 0)::bigint as {n}" for k, n in _COLUMNS.items()
)


def _opened(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """By agency its fields and procedures, and by period, where there are any, the numbers of rows behind `_OPENED`."""
    con.execute(
        f"""
        create or replace temp table dashboard_split as
        select agency, field, "procedure", row_number() over (order by agency, field, "procedure") as id,
            row_number() over (partition by agency order by field, "procedure") - 1 as number
        from (select distinct agency, field, "procedure" from dashboard_changes where kpi_code <> '{_TIME}')
        """
    )
    con.execute(
        f"""
        create or replace temp table dashboard_counts as
        select id, place, {_COUNTED}
        from dashboard_changes as changed
        join dashboard_split using (agency, field, "procedure")
        join dashboard_periods on {_COUNTS}
        where kpi_code <> '{_TIME}' group by all
        having {" or ".join(f"{column} <> 0" for column in _COLUMNS.values())}
        """
    )
    made: dict[str, Any] = _by(
        con,
        """
        select agency, to_json({rows: list([field, "procedure"] order by number), counts: {}})
        from dashboard_split group by agency order by agency
        """,
    )
    for agency, place, counts in con.execute(
        f"""
        select agency, place, to_json(list([number, {", ".join(_COLUMNS.values())}] order by number))
        from dashboard_counts join dashboard_split using (id) group by all order by all
        """
    ).fetchall():
        made[agency]["counts"][place] = json.loads(counts)
    return made


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

# By scope and period the number of resolved dossiers by working days, the longest ones together.
_DAYS = f"""
    select scope, to_json(map(list(place order by place), list(days order by place)))
    from (
        select scope, place, list([days, number] order by days) as days
        from (
            select scope, place, days, sum(number)::bigint as number
            from (
                select unnest(['province=all', 'level=' || level, 'agency=' || agency, 'field=' || field]) as scope,
                    month, is_stock, days, number
                from (
                    select level, agency, field, month, is_stock, days, sum(number) as number
                    from dashboard_changes where kpi_code = '{_TIME}' and days is not null group by all
                )
            )
            join dashboard_periods on {_COUNTS}
            group by all
        )
        group by all
    )
    group by scope order by scope
"""

# Providers, and by period the numbers and sums of what was paid through them, the most used first.
_PROVIDERS = f"""
    with paid as (
        select paid.provider_code as code, kpi_code, month, is_stock, sum(number) as number,
            sum(used.amount) as amount, max(coalesce(provider_name, paid.provider_code)) as name
        from dashboard_used as used
        join marts.fct_payments as paid on transaction_code = entity_code
        left join marts.dim_payment_provider using (provider_key)
        where kpi_code in ('{_PAID}', '{_PAID_AMOUNT}') group by all
    ),
    counted as (
        select place, code, coalesce(sum(number) filter (kpi_code = '{_PAID}'), 0)::bigint as number,
            coalesce(sum(amount) filter (kpi_code = '{_PAID_AMOUNT}'), 0)::hugeint as amount
        from paid join dashboard_periods on {_COUNTS}
        group by all
    )
    select {{
        names: (select map(list(code order by code), list(name order by code))
                from (select code, max(name) as name from paid group by all)),
        used: (
            select map(list(place order by place), list(rows order by place)) from (
                select place, list(json_array(code, number, amount) order by number desc, code) as rows
                from counted group by all
            )
        )
    }}
"""


# Facilities, and by period their look-ups, the most used first, how many are not told, and the communes of those.
# A facility that has look-ups in a quarter has a figure, 0 or more, of each of its months; in a year of each quarter.
_FACILITIES = f"""
    with looked_up as (
        select facility_key, month, number, commune,
            coalesce(dim.facility_name, looked.facility_code, 'Không rõ') as name,
            coalesce(looked.facility_code, '') as code
        from dashboard_used
        join marts.fct_health_lookups as looked on lookup_code = entity_code
        left join marts.dim_health_facility as dim using (facility_key)
        where kpi_code = '{_LOOKED_UP}'
    ),
    facilities as (
        select facility_key, max(code) as code, max(name) as name, max(commune) as commune,
            row_number() over (order by facility_key) - 1 as facility
        from looked_up group by facility_key
    ),
    starts as (
        select distinct type, date_trunc(type, month)::date as start,
            date_trunc(if(type = 'month', 'quarter', 'year'), month)::date as within
        from looked_up cross join (select unnest(['month', 'quarter', 'year']) as type)
    ),
    numbers as (
        select facility, type, date_trunc(type, month)::date as start, sum(number)::bigint as number
        from looked_up
        join facilities on looked_up.facility_key is not distinct from facilities.facility_key
        cross join (select distinct type from starts)
        group by all
    ),
    counted as (
        select '{_LOOKED_UP}' as kpi_code, 'facility' as scope_type, facility as scope_code, type as period_type,
            start as period_start, coalesce(number, 0) as numerator, null::bigint as denominator, null::double as value
        from (select distinct facility, type, within from numbers join starts using (type, start))
        join starts using (type, within)
        left join numbers using (facility, type, start)
    ),
    told as (
        select place, scope_code as facility, not is_withheld as is_told, numerator as number
        from ({withheld("counted")})
        join dashboard_periods on type = period_type and "from" = period_start
    )
    select {{
        names: (select map(list(facility order by facility), list(json_array(code, name, commune) order by facility))
                from facilities where facility in (select facility from told where is_told)),
        used: (
            select map(
                list(place order by place),
                list({{listed: listed, untold: untold, partly: partly}} order by place)
            )
            from (
                select place, count(*) filter (not is_told) as untold,
                    coalesce(list([facility, number] order by number desc, facility)
                        filter (is_told and number > 0), []) as listed,
                    coalesce(list(distinct commune order by commune)
                        filter (not is_told and commune is not null), []) as partly
                from told join facilities using (facility) group by all
            )
        )
    }}
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
                    select commune from dashboard_used where kpi_code = '{_LOOKED_UP}'
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
