{% set subject = figures_of_dossiers() %}
{% for period_type, months in [('month', 1), ('quarter', 3), ('year', 12)] %}
select
    scope_type,
    scope_code,
    '{{ period_type }}' as period_type,
    cast(date_trunc('{{ period_type }}', bucket) as date) as period_start,
    least(
        {{ add_days(add_months("cast(date_trunc('" ~ period_type ~ "', bucket) as date)", months), -1) }}, {{ as_of() }}
    ) as period_end,
    {% for name, measure in subject.measures.items() %}
    {% if measure.on %}
    sum({{ name }}) as {{ name }}{{ ',' if not loop.last }}
    {% else %}
    min_by(opening_{{ name }}, bucket) as opening_{{ name }},
    max_by(closing_{{ name }}, bucket) as closing_{{ name }}{{ ',' if not loop.last }}
    {% endif %}
    {% endfor %}
from {{ ref('int_kpi_dossier_months') }}
group by 1, 2, 3, 4, 5
{{ 'union all' if not loop.last }}
{% endfor %}
