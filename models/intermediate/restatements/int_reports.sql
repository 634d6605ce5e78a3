-- A release reports each period that holds a day from its first month on and is over on its as-of day. The run itself
-- is the last to report.
with releases as (
    select number, release_id, as_of, reported_from
    from {{ ref('stg_releases') }}
    union all
    select
        (select coalesce(max(number), 0) + 1 from {{ ref('stg_releases') }}) as number,
        null as release_id,
        {{ as_of() }} as as_of,
        min(period_start) as reported_from
    from {{ ref('int_kpi_periods') }}
    where period_type = 'month'
),

months as (
    select number, release_id, as_of, cast({{ month_spine('reported_from', 'as_of') }} as date) as month_start
    from releases
),

periods as (
    {% for period_type, months in [('month', 1), ('quarter', 3), ('year', 12)] %}
    {%- set start = "cast(date_trunc('" ~ period_type ~ "', month_start) as date)" %}
    select distinct
        '{{ period_type }}' as period_type,
        {{ start }} as period_start,
        {{ add_days(add_months(start, months), -1) }} as period_end,
        as_of,
        number,
        release_id
    from months
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    period_type,
    period_start,
    period_end,
    as_of,
    min(number) as number,
    min_by(release_id, number) as release_id
from periods
where period_end <= as_of
group by period_type, period_start, period_end, as_of
