-- Figures whose first report lies before their last vintage have moved; a period that kpi_values has no more, too.
{% set subject = figures_of_dossiers(portal=known_since('portal_known_from')) %}
{% set key = ['kpi_code', 'scope_type', 'scope_code', 'period_type', 'period_start'] %}
{% set period = ['period_type', 'period_start'] %}
{% set figures = ['numerator', 'denominator', 'value'] %}
with revised as (
    select vintages.*
    from {{ ref('int_kpi_dossier_vintages') }} as vintages
    inner join {{ ref('int_reported_periods') }} as periods
        on {{ same_key('vintages', 'periods', period) }}
        and periods.first_as_of >= vintages.begins_on and periods.first_as_of < vintages.ends_on
    left join {{ ref('int_kpi_periods') }} as kept on {{ same_key('vintages', 'kept', period) }}
    where vintages.ends_on < {{ open_end_day() }} or kept.period_type is null
),

before as (
    {{ kpi_rows(subject, 'revised', key[1:] + ['begins_on'], 'begins_on') }}
),

compared as (
    select
        {{ in_relation('before', key) }},
        {% for figure in figures %}
        before.{{ figure }} as {{ figure }}_before,
        after.{{ figure }} as {{ figure }}_after{{ ',' if not loop.last }}
        {% endfor %}
    from before
    left join {{ ref('kpi_values') }} as after on {{ same_key('before', 'after', key) }}
    union all
    select
        {{ key | join(', ') }},
        {% for figure in figures %}
        {{ figure }}_before,
        {{ figure }}_after{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_kpi_restated_besides_dossiers') }}
)

select
    {{ in_relation('compared', key) }},
    periods.period_end,
    periods.first_release_id,
    periods.first_as_of,
    {% for side in ['before', 'after'] %}
    {% set last_side = loop.last %}
    {% for figure in figures %}
    compared.{{ figure }}_{{ side }}{{ ',' if not (loop.last and last_side) }}
    {% endfor %}
    {% endfor %}
from compared
inner join {{ ref('int_reported_periods') }} as periods on {{ same_key('compared', 'periods', period) }}
where compared.value_before is distinct from compared.value_after
