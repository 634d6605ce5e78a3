{% set dossiers = figures_of_dossiers(portal=ref('history_portal_dossiers')) %}
{% set keys = ['scope_type', 'scope_code', 'period_type', 'period_start', 'period_end'] %}
with dossiers as (
    {{ kpi_rows(dossiers, ref('int_kpi_dossier_periods'), keys, as_of()) }}
),

-- Without a counted dossier the province's figures are 0, and of a source of which nothing is known missing.
no_dossiers as (
    {% for kpi in dossiers.kpis %}
    {% set nothing = total_where_known(
        kpi, "case when exists (select 1 from " ~ ref('fct_dossier_versions') ~ ") then 0 end", as_of()
    ) %}
    select
        '{{ kpi.code }}' as kpi_code, 'province' as scope_type, 'all' as scope_code,
        period_type, period_start, period_end,
        cast({{ nothing }} as bigint) as numerator,
        cast({{ nothing if kpi.denominator else 'null' }} as bigint) as denominator,
        cast({{ 'null' if kpi.denominator else nothing }} as double) as value
    from {{ ref('int_kpi_periods') }}
    where not exists (select 1 from dossiers)
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

figures as (
    select * from dossiers
    union all
    select * from no_dossiers
    union all
    select kpi_code, {{ keys | join(', ') }}, numerator, denominator, value
    from {{ ref('int_kpi_values_besides_dossiers') }}
)

select
    kpi_code,
    scope_type,
    scope_code,
    period_type,
    period_start,
    period_end,
    {{ as_of() }} as as_of,
    numerator,
    denominator,
    value
from figures
