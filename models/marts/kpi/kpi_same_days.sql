-- Whole months are those of int_kpi_dossier_months; of the month in which a stretch ends its days are counted anew.
{% set rows, portal = 'select * from ' ~ ref('int_dossiers_counted'), ref('history_portal_dossiers') %}
{% set subject = figures_of_dossiers(rows, portal=portal) %}
{% set months = {'month': 1, 'quarter': 3, 'year': 12} %}
{% set back = {
    'month': {'period_before': 1, 'year_before': 12},
    'quarter': {'period_before': 3, 'year_before': 12},
    'year': {'year_before': 12},
} %}
{% set scope = ['scope_type', 'scope_code'] %}
{% set keys = scope + ['period_type', 'compared_with', 'period_start', 'period_end'] %}
{% set last_days = [add_months(as_of(), -1), add_months(as_of(), -3), add_months(as_of(), -12)] %}
{% set month_of_stretch %}
    case
        {% for last_day in last_days %}
        {% set month = "cast(date_trunc('month', " ~ last_day ~ ") as date)" %}
        when day_ between {{ month }} and {{ last_day }} then {{ month }}
        {% endfor %}
    end
{% endset %}
with stretches as (
    {% for period_type, compared in back.items() %}
    {% set start = "cast(date_trunc('" ~ period_type ~ "', " ~ as_of() ~ ") as date)" %}
    {% set last_of_type = loop.last %}
    {% for compared_with, number in compared.items() %}
    select
        '{{ period_type }}' as period_type,
        '{{ compared_with }}' as compared_with,
        {{ add_months(start, -number) }} as period_start,
        {{ add_months(as_of(), -number) }} as period_end
    where {{ as_of() }} < {{ add_days(add_months(start, months[period_type]), -1) }}
    {{ 'union all' if not (loop.last and last_of_type) }}
    {% endfor %}
    {% endfor %}
),

published as (
    select stretches.*, cast(date_trunc('month', stretches.period_end) as date) as last_month
    from stretches
    inner join {{ ref('int_kpi_periods') }} as periods
        on stretches.period_type = periods.period_type and stretches.period_start = periods.period_start
),

first_days as (
    select *
    from ({{ changes_by_scope(subject, month_of_stretch, last_days[0]) }}) as changes
    where bucket is not null
),

counted as (
    select
        {{ in_relation('months', scope) }},
        published.period_type,
        published.compared_with,
        published.period_start,
        published.period_end,
        {% for name, measure in subject.measures.items() %}
        {% set of_first_days = 'coalesce(max(first_days.' ~ name ~ '), 0)' %}
        {% if measure.on %}
        sum(case when months.bucket < published.last_month then months.{{ name }} else 0 end)
        + {{ of_first_days }} as {{ name }}{{ ',' if not loop.last }}
        {% else %}
        min_by(months.opening_{{ name }}, months.bucket) as opening_{{ name }},
        max_by(months.opening_{{ name }}, months.bucket)
        + {{ of_first_days }} as closing_{{ name }}{{ ',' if not loop.last }}
        {% endif %}
        {% endfor %}
    from published
    inner join {{ ref('int_kpi_dossier_months') }} as months
        on months.bucket between published.period_start and published.last_month
    left join first_days
        on {{ same_key('months', 'first_days', scope) }} and published.last_month = first_days.bucket
    group by
        {{ in_relation('months', scope) }}, published.period_type, published.compared_with, published.period_start,
        published.period_end, published.last_month
    -- A scope has figures once a dossier of it is received, the province always.
    having
        months.scope_type = 'province'
        or max_by(months.opening_received_so_far, months.bucket) + coalesce(max(first_days.received_so_far), 0) > 0
)

select
    kpi_code,
    {{ keys | join(', ') }},
    {{ as_of() }} as as_of,
    numerator,
    denominator,
    value
from (
    {{ kpi_rows(subject, 'counted', keys, as_of()) }}
) as figures
