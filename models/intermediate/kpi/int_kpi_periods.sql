-- Calendar periods from the first published month to the as-of day; without any dossier, those of its year.
{% set its_year = "cast(date_trunc('year', " ~ as_of() ~ ") as date)" %}
{% set first = "coalesce((select first_month from " ~ ref('int_kpi_first_month') ~ "), " ~ its_year ~ ")" %}
with months as (
    select cast({{ month_spine(first, as_of()) }} as date) as month_start
)

{% for period_type, months in [('month', 1), ('quarter', 3), ('year', 12)] %}
{%- set start = "cast(date_trunc('" ~ period_type ~ "', month_start) as date)" %}
select distinct
    '{{ period_type }}' as period_type,
    {{ start }} as period_start,
    least({{ add_days(add_months(start, months), -1) }}, {{ as_of() }}) as period_end
from months
{{ 'union all' if not loop.last }}
{% endfor %}
