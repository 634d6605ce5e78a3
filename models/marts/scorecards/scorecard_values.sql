{% set keys = ['scope_type', 'scope_code', 'period_type', 'period_start', 'period_end'] %}
{% set scored = "scope_type in ('province', 'agency')" %}
{% set figures %}
    select kpi_code, {{ keys | join(', ') }}, numerator, denominator
    from {{ ref('kpi_values') }}
    where {{ scored }}
    union all
    -- A measure is known where the dossiers received are.
    select
        measures.kpi_code, {{ in_relation('received', keys) }},
        case when received.numerator is not null then coalesce(counted.numerator, 0) end as numerator,
        null as denominator
    from (select * from {{ ref('kpi_values') }} where {{ scored }} and kpi_code = 'dossiers_received') as received
    cross join (
        {% set subject = figures_for_scorecards(figures_of_dossiers()) %}
        {% for figure in subject.kpis %}
        select '{{ figure.code }}' as kpi_code
        {{ 'union all' if not loop.last }}
        {% endfor %}
    ) as measures
    left join (
        {{ kpi_rows(subject, ref('int_kpi_dossier_periods'), keys, as_of()) }}
    ) as counted
        on measures.kpi_code = counted.kpi_code
        and {{ same_key('received', 'counted', ['scope_type', 'scope_code', 'period_type', 'period_start']) }}
{% endset %}
{% set periods %}
    {% for period_type, months in [('month', 1), ('quarter', 3), ('year', 12)] %}
    select
        period_type, period_start, period_end,
        {{ add_days(add_months('period_start', months), -1) }} as runs_to
    from {{ ref('int_kpi_periods') }}
    where period_type = '{{ period_type }}'
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endset %}
{{ scorecards(ref('scorecard_criteria'), '(' ~ newest_of(ref('history_index_inputs')) ~ ')', figures, periods) }}
