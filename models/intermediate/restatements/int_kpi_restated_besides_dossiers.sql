-- Only a subject of which something became known after a report is evaluated as of that report's day: from the same
-- definition as kpi_values, for the periods that were over by then.
{% set tables = figure_tables() %}
{% set key = ['kpi_code', 'scope_type', 'scope_code', 'period_type', 'period_start'] %}
{% set figures = ['numerator', 'denominator', 'value'] %}
{% set first_days %}
    select distinct first_as_of as known_on from {{ ref('int_reported_periods') }} where first_as_of < {{ as_of() }}
{% endset %}
{% set periods %}
    select period_type, period_start, period_end from {{ ref('int_reports') }} as reports where reports.as_of = days.known_on
{% endset %}
with reported as (
    {% for subject, days in subjects_with_news(tables, first_days, 'days.known_on') %}
    select days.known_on, figures.*
    from ({{ days }}) as days
    cross join lateral ({{ kpis_by_period([subject], tables, periods, 'days.known_on') }}) as figures
    {{ 'union all' if not loop.last }}
    {% else %}
    select cast(null as date) as known_on, nothing.*
    from {{ ref('int_kpi_values_besides_dossiers') }} as nothing
    where false
    {% endfor %}
),

before as (
    select reported.*
    from reported
    inner join {{ ref('int_reported_periods') }} as periods
        on {{ same_key('reported', 'periods', ['period_type', 'period_start']) }}
        and reported.known_on = periods.first_as_of
),

after as (
    select *
    from {{ ref('int_kpi_values_besides_dossiers') }}
    where (kpi_code, period_type, period_start) in (
        select (before.kpi_code, before.period_type, before.period_start) from before
    )
)

select
    {% for column in key %}
    coalesce(before.{{ column }}, after.{{ column }}) as {{ column }},
    {% endfor %}
    {% for figure in figures %}
    before.{{ figure }} as {{ figure }}_before,
    after.{{ figure }} as {{ figure }}_after{{ ',' if not loop.last }}
    {% endfor %}
from before
full outer join after on {{ same_key('before', 'after', key) }}
where
    {% for figure in figures %}
    {{ 'or' if not loop.first }} before.{{ figure }} is distinct from after.{{ figure }}
    {% endfor %}
