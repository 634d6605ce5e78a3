-- What moved is as the first vintage says, and the newest vintage is what kpi_values holds.
{% set key = ['kpi_code', 'scope_type', 'scope_code', 'period_type', 'period_start'] %}
with headlines as (
    select kpi_code from {{ ref('kpi_catalogue') }} where is_headline
),

vintages as (
    select * from {{ ref('kpi_vintages') }}
),

now_ as (
    select * from vintages where as_of = {{ as_of() }}
),

values_ as (
    select figures.*
    from {{ ref('kpi_values') }} as figures
    where
        figures.scope_type in ('province', 'agency')
        and figures.kpi_code in (select headlines.kpi_code from headlines)
        and (figures.period_type, figures.period_start) in (select (now_.period_type, now_.period_start) from now_)
)

select {{ in_relation('restated', key) }}
from {{ ref('restated_kpis') }} as restated
left join vintages on {{ same_key('restated', 'vintages', key) }} and restated.first_as_of = vintages.as_of
where
    restated.scope_type in ('province', 'agency')
    and restated.kpi_code in (select headlines.kpi_code from headlines)
    and (
        restated.numerator_before is distinct from vintages.numerator
        or restated.denominator_before is distinct from vintages.denominator
        or restated.value_before is distinct from vintages.value
    )
union all
select
    {% for column in key %}
    coalesce(now_.{{ column }}, values_.{{ column }}) as {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
from now_
full outer join values_ on {{ same_key('now_', 'values_', key) }}
where
    now_.numerator is distinct from values_.numerator
    or now_.denominator is distinct from values_.denominator
    or now_.value is distinct from values_.value
