-- As known on an earlier day is what is known now without what became known since. A new vintage begins with the first
-- report, with each report day that revises something, and with those that first know of dossiers or of the portal's
-- copy.
{% set subject = figures_of_dossiers() %}
{% set columns = counted_columns(subject).keys() | list %}
{% set key = ['scope_type', 'scope_code', 'period_type', 'period_start'] %}
{% set period = ['period_type', 'period_start'] %}
with reports as (
    select * from {{ ref('int_reports') }} where as_of <= {{ as_of() }}
),

periods as (
    select {{ period | join(', ') }}, min(as_of) as begins_on
    from reports
    group by {{ period | join(', ') }}
),

keys as (
    select {{ in_relation('counted', key) }}
    from {{ ref('int_kpi_dossier_periods') }} as counted
    inner join periods on {{ same_key('counted', 'periods', period) }}
    union
    select {{ key | join(', ') }}
    from {{ ref('int_kpi_dossier_revisions') }}
    union
    select 'province' as scope_type, 'all' as scope_code, {{ period | join(', ') }}
    from periods
),

first_known as (
    select
        (select min(outcomes.known_from) from {{ ref('int_dossier_outcomes') }} as outcomes) as dossiers_known_from,
        (select min(portal.known_from) from {{ ref('history_portal_dossiers') }} as portal) as portal_known_from
),

first_knowing as (
    select min(reports.as_of) as begins_on
    from reports
    inner join first_known on reports.as_of >= {{ day('first_known.dossiers_known_from') }}
    union all
    select min(reports.as_of) as begins_on
    from reports
    inner join first_known on reports.as_of >= {{ day('first_known.portal_known_from') }}
),

begun as (
    select {{ in_relation('keys', key) }}, periods.begins_on
    from keys
    inner join periods on {{ same_key('keys', 'periods', period) }}
    union
    select {{ key | join(', ') }}, seen_on as begins_on
    from {{ ref('int_kpi_dossier_revisions') }}
    union
    select {{ in_relation('keys', key) }}, first_knowing.begins_on
    from keys
    inner join periods on {{ same_key('keys', 'periods', period) }}
    inner join first_knowing on periods.begins_on < first_knowing.begins_on
),

since as (
    select
        {{ in_relation('begun', key) }},
        begun.begins_on,
        lead(begun.begins_on) over vintages as ends_on,
        {% for column in columns + ['closing_received_so_far'] %}
        coalesce(sum(revisions.{{ column }}) over later_ones, 0) as {{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from begun
    left join {{ ref('int_kpi_dossier_revisions') }} as revisions
        on {{ same_key('begun', 'revisions', key) }} and begun.begins_on = revisions.seen_on
    window
        vintages as (partition by {{ in_relation('begun', key) }} order by begun.begins_on),
        later_ones as (
            partition by {{ in_relation('begun', key) }} order by begun.begins_on
            rows between 1 following and unbounded following
        )
),

-- A scope appears with its first dossier, the province with the first that was known.
placed as (
    select
        {{ in_relation('since', key) }},
        since.begins_on,
        coalesce(since.ends_on, {{ open_end_day() }}) as ends_on,
        {% for column in columns + ['closing_received_so_far'] %}
        coalesce(counted.{{ column }}, 0) - since.{{ column }} as {{ column }},
        {% endfor %}
        first_known.portal_known_from,
        coalesce(since.begins_on >= {{ day('first_known.dossiers_known_from') }}, false) as is_known
    from since
    cross join first_known
    left join {{ ref('int_kpi_dossier_periods') }} as counted on {{ same_key('since', 'counted', key) }}
),

shown as (
    select *, is_known and (scope_type = 'province' or closing_received_so_far > 0) as is_shown
    from placed
)

select
    {{ key | join(', ') }},
    begins_on,
    ends_on,
    portal_known_from,
    is_shown,
    {% for column in columns %}
    case when is_shown then {{ column }} end as {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
from shown
