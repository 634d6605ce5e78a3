{# Counting by scope and period, for any subject (a dictionary of measures, KPIs and scopes such as
   dossier_subject). A measure is a flow (`on` a day) or a stock (`from` a day `until` another, half-open); `when`
   narrows it, `amount` is summed in place of 1. Stocks are running sums of daily changes, so that every period
   of every scope comes from one pass. -#}

{% macro measure_days(subject) %}
    {% set days = [] %}
    {% for measure in subject.measures.values() %}
        {% for day in [measure.on, measure.from, measure.until] if day and day not in days %}
            {% do days.append(day) %}
        {% endfor %}
    {% endfor %}
    {{ return(days) }}
{% endmacro %}

{# What one row adds to a measure on the day that `day` names. -#}
{% macro change_on(measure, day) -%}
    {%- set amount = measure.get('amount', 1) -%}
    {%- set condition = measure.get('when', 'true') -%}
    {%- if measure.on == day -%}
        case when {{ condition }} then {{ amount }} else 0 end
    {%- elif measure.from == day -%}
        case when {{ condition }} then {{ amount }} else 0 end
    {%- elif measure.until == day -%}
        case when {{ condition }} and {{ measure.from }} is not null then -{{ amount }} else 0 end
    {%- else -%}
        0
    {%- endif -%}
{%- endmacro %}

{# Changes of every measure by scope and bucket. `bucket` is an expression over the column `day_`; days after
   `until` are left out. -#}
{% macro changes_by_scope(subject, relation, bucket, until) %}
    with subject_rows as (
        {{ relation }}
    ),

    changes as (
        {% for day in measure_days(subject) %}
        select
            {{ day }} as day_,
            {% for scope, expression in subject.scopes.items() %}
            coalesce({{ expression }}, 'unknown') as scope_{{ scope }},
            {% endfor %}
            {% for name, measure in subject.measures.items() %}
            {{ change_on(measure, day) }} as {{ name }}{{ ',' if not loop.last }}
            {% endfor %}
        from subject_rows
        where {{ day }} <= {{ until }}
        {{ 'union all' if not loop.last }}
        {% endfor %}
    ),

    bucketed as (
        select *, {{ bucket }} as bucket
        from changes
    )

    select
        case
            {% for scope in subject.scopes %}
            when grouping(scope_{{ scope }}) = 0 then '{{ scope }}'
            {% endfor %}
        end as scope_type,
        coalesce({% for scope in subject.scopes %}scope_{{ scope }}{{ ', ' if not loop.last }}{% endfor %}) as scope_code,
        bucket,
        {% for name in subject.measures %}
        sum({{ name }}) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from bucketed
    group by grouping sets (
        {% for scope in subject.scopes %}(scope_{{ scope }}, bucket){{ ', ' if not loop.last }}{% endfor %}
    )
{% endmacro %}

{# The column of a wide row that a KPI's numerator or denominator reads. -#}
{% macro counted_column(subject, measure, at) -%}
    {%- if subject.measures[measure].on -%}{{ measure }}{%- else -%}{{ at or 'closing' }}_{{ measure }}{%- endif -%}
{%- endmacro %}

{# Wide rows (one per scope and period) into KPI rows. `keys` are the columns to carry. -#}
{% macro kpi_rows(subject, wide, keys) %}
    {% for kpi in subject.kpis %}
    {% set numerator = counted_column(subject, kpi.numerator, kpi.at) %}
    {% set denominator = counted_column(subject, kpi.denominator, kpi.at) if kpi.denominator else none %}
    select
        '{{ kpi.code }}' as kpi_code,
        {{ keys | join(', ') }},
        cast({{ numerator }} as bigint) as numerator,
        cast({{ denominator or 'null' }} as bigint) as denominator,
        {% if denominator %}
        cast({{ numerator }} as double) / nullif({{ denominator }}, 0) as value
        {% else %}
        cast({{ numerator }} as double) as value
        {% endif %}
    from {{ wide }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}

{# KPIs of one period of any length. `is_known` says whether anything of the source is known on the as-of day:
   without it the province's figures are missing, with it and no row they are 0. -#}
{% macro kpis_of_period(subject, relation, from_on, to_on, is_known) %}
    with changes as (
        {{ changes_by_scope(subject, relation, 'day_ >= ' ~ from_on, to_on) }}
    ),

    wide as (
        select
            scope_type,
            scope_code,
            {% for name, measure in subject.measures.items() %}
            {% if measure.on %}
            coalesce(sum({{ name }}) filter (where bucket), 0) as {{ name }},
            {% else %}
            coalesce(sum({{ name }}) filter (where not bucket), 0) as opening_{{ name }},
            sum({{ name }}) as closing_{{ name }},
            {% endif %}
            {% endfor %}
            1 as one
        from changes
        group by scope_type, scope_code
    ),

    with_province as (
        select * from wide
        union all
        select
            'province', 'all',
            {% for name, measure in subject.measures.items() %}
            {% if measure.on %}
            case when {{ is_known }} then 0 end,
            {% else %}
            case when {{ is_known }} then 0 end,
            case when {{ is_known }} then 0 end,
            {% endif %}
            {% endfor %}
            1
        where not exists (select 1 from wide)
    )

    {{ kpi_rows(subject, 'with_province', ['scope_type', 'scope_code']) }}
{% endmacro %}

{# The test of whether a row stands behind a measure for a period. -#}
{% macro stands_behind(measure, at, from_on, to_on) -%}
    (
    {%- if measure.on -%}
        {{ measure.on }} between {{ from_on }} and {{ to_on }}
    {%- elif at == 'opening' -%}
        {{ measure.from }} < {{ from_on }} and coalesce({{ measure.until }} >= {{ from_on }}, true)
    {%- else -%}
        {{ measure.from }} <= {{ to_on }} and coalesce({{ measure.until }} > {{ to_on }}, true)
    {%- endif -%}
    {%- if measure.when %} and {{ measure.when }}{% endif -%}
    )
{%- endmacro %}

{# The rows behind every KPI of a period: of a count those counted, of a rate the denominator's with whether each
   is in the numerator, of a mean the denominator's with their amounts. -#}
{% macro rows_behind(subject, relation, from_on, to_on) %}
    with subject_rows as (
        {{ relation }}
    )

    {% for kpi in subject.kpis %}
    {% set top = subject.measures[kpi.numerator] %}
    {% set base = subject.measures[kpi.denominator or kpi.numerator] %}
    select
        '{{ kpi.code }}' as kpi_code,
        {{ subject.entity }} as entity_code,
        {% if kpi.denominator and not top.amount %}
        coalesce({{ stands_behind(top, kpi.at, from_on, to_on) }}, false) as in_numerator,
        {% else %}
        true as in_numerator,
        {% endif %}
        cast({{ top.get('amount', 'null') }} as bigint) as amount,
        {% for scope, expression in subject.scopes.items() %}
        coalesce({{ expression }}, 'unknown') as scope_{{ scope }}{{ ',' if not loop.last }}
        {% endfor %}
    from subject_rows
    where {{ stands_behind(base, kpi.at, from_on, to_on) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}
