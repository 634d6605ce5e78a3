{# Counting by scope and period, for any subject of macros/figures. A subject is a dictionary:

     rows      what there is as known on the as-of day: SQL, one row an entity, no period in it
     measures  what can be counted of them, by name
     kpis      code, numerator, denominator (of a rate or mean): measures; `at: opening` before the first day; `source`
               where another table than the subject's tells as well whether anything is known
     entity    the column that names a row to people
     source    the table that tells whether anything is known: nothing is a missing figure, not 0
     scopes    scope types that its rows bear besides the province (scope_column)
     agency_on the day as of which the register gives the row's agency its level and commune, where the rows do not
     figures   measures that scorecards name besides the KPIs (macros/scorecards.sql)
     present   when a row makes its scopes appear, where that is not when it is counted
     name      the subject's own

   A measure is a flow (`on` a day in the period) or a stock (`from` a day `until` another, half-open, as it stands on
   the last day). `when` narrows it, and may name period_start and period_end; `amount` is summed in place of 1,
   `distinct` counted once each, a `reading` is read off: missing where nothing stands, never 0.

   One grammar, two ways to evaluate it (docs/decisions/0011-one-grammar-of-figures.md): period by period, for any
   subject and any periods; or as running sums of daily changes, for many rows over many periods, of measures whose
   rows add up. -#}

{# The column that bears a scope's code. -#}
{% macro scope_column(scope) -%}
    {{ {'province': "'all'", 'agency': 'agency_code', 'commune': 'commune_code', 'field': 'field_code',
        'procedure': 'procedure_code'}.get(scope, scope) }}
{%- endmacro %}

{# The scope types of a subject, the province first, in the order of all scope types. -#}
{% macro scopes_of(subject) %}
    {% set scopes = [] %}
    {% for scope in var('scope_types') if scope == 'province' or scope in subject.get('scopes', []) %}
        {% do scopes.append(scope) %}
    {% endfor %}
    {{ return(scopes) }}
{% endmacro %}

{% macro scope_code(scope) %}coalesce({{ scope_column(scope) }}, 'unknown') as scope_{{ scope }}{% endmacro %}

{# Of a row grouped by one scope after another: which, and its code. -#}
{% macro grouped_scope(scopes) %}
    case
        {% for scope in scopes %}
        when grouping(scope_{{ scope }}) = 0 then '{{ scope }}'
        {% endfor %}
    end as scope_type,
    coalesce({% for scope in scopes %}scope_{{ scope }}{{ ', ' if not loop.last }}{% endfor %}) as scope_code
{% endmacro %}

{% macro grouped_by_scope(scopes, others) %}
    group by grouping sets (
        {% for scope in scopes %}(scope_{{ scope }}, {{ others | join(', ') }}){{ ', ' if not loop.last }}{% endfor %}
    )
{% endmacro %}

{# The last columns of a figure. Sums are counted in 128 bits and kept in 64: one beyond is missing, its value stands. -#}
{% macro figure(kpi, numerator, denominator) %}
    try_cast({{ numerator }} as bigint) as numerator,
    {% if kpi.denominator %}
    try_cast({{ denominator }} as bigint) as denominator,
    cast({{ numerator }} as double) / nullif({{ denominator }}, 0) as value
    {% else %}
    cast(null as bigint) as denominator,
    cast({{ numerator }} as double) as value
    {% endif %}
{% endmacro %}

{# The column of a wide row that a KPI's numerator or denominator reads: a stock has one at opening and at closing. -#}
{% macro counted_column(subject, measure, at) -%}
    {%- if subject.measures[measure].on -%}{{ measure }}{%- else -%}{{ at or 'closing' }}_{{ measure }}{%- endif -%}
{%- endmacro %}

{# Every column that the KPIs of a subject read, with its measure and moment. -#}
{% macro counted_columns(subject) %}
    {% set columns = {} %}
    {% for kpi in subject.kpis %}
        {% for name in [kpi.numerator, kpi.denominator] if name %}
            {% do columns.update({counted_column(subject, name, kpi.at): (subject.measures[name], kpi.at)}) %}
        {% endfor %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}

{# Whether a table tells anything as known at the end of a day. -#}
{% macro is_anything_known(source, as_of) -%}
    exists (select 1 from {{ known(source, as_of) }} as known_rows)
{%- endmacro %}

{# A total, missing while nothing is known of the KPI's own source. -#}
{% macro total_where_known(kpi, total, as_of) -%}
    {%- if kpi.source -%}case when {{ is_anything_known(kpi.source, as_of) }} then {{ total }} end{%- else -%}{{ total }}{%- endif -%}
{%- endmacro %}

{# Wide rows (one per scope and period) into KPI rows. `keys` are the columns to carry. -#}
{% macro kpi_rows(subject, wide, keys, as_of) %}
    {% for kpi in subject.kpis %}
    select
        '{{ kpi.code }}' as kpi_code,
        {{ keys | join(', ') }},
        {{ figure(
            kpi, total_where_known(kpi, counted_column(subject, kpi.numerator, kpi.at), as_of),
            total_where_known(kpi, counted_column(subject, kpi.denominator, kpi.at), as_of) if kpi.denominator,
        ) }}
    from {{ wide }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}


{# --- Period by period -#}

{# Whether a row's days make it count in a period. -#}
{% macro falls_in_period(measure, at) -%}
    {%- if measure.on -%}
        {{ measure.on }} between period_start and period_end
    {%- elif at == 'opening' -%}
        {{ measure.from }} < period_start{% if measure.until %} and coalesce({{ measure.until }} >= period_start, true){% endif %}
    {%- else -%}
        {{ measure.from }} <= period_end{% if measure.until %} and coalesce({{ measure.until }} > period_end, true){% endif %}
    {%- endif -%}
{%- endmacro %}

{% macro is_counted(measure, at) -%}
    ({{ falls_in_period(measure, at) }}{% if measure.when %} and {{ measure.when }}{% endif %})
{%- endmacro %}

{# What a row adds to a measure in a period. -#}
{% macro counted(measure, at) -%}
    case when {{ is_counted(measure, at) }} then {{ measure.distinct or measure.amount or measure.reading or 1 }} end
{%- endmacro %}

{% macro total_of(measure, column) -%}
    {%- if measure.distinct -%}count(distinct {{ column }})
    {%- elif measure.amount or measure.reading -%}sum({{ column }})
    {%- else -%}count({{ column }})
    {%- endif -%}
{%- endmacro %}

{# When a row is looked at for a period: any of its measures may count it. -#}
{% macro is_present(subject) %}
    {% set windows = [] %}
    {% for measure, at in counted_columns(subject).values() %}
        {% set window = '(' ~ falls_in_period(measure, at) ~ ')' %}
        {% if window not in windows %}{% do windows.append(window) %}{% endif %}
    {% endfor %}
    {{ return(subject.present or windows | join(' or ')) }}
{% endmacro %}

{# Common table expressions: the periods asked for (period_type, period_start, period_end), and each subject's rows
   beside every period in which they are present, as `<name>_present`. -#}
{% macro present_rows(subjects, tables, periods, as_of) %}
    with periods as (
        {{ periods }}
    ),

    agency_register as (
        {{ valid_on_register(tables.agencies, 'agency_code', ['level', 'commune_code'], as_of) }}
    )
    {% for subject in subjects %}
    , {{ subject.name }}_rows as (
        {{ subject.rows }}
    ),

    {{ subject.name }}_periods as (
        select rows_.*, periods.*
        from {{ subject.name }}_rows as rows_
        inner join periods on {{ is_present(subject) }}
    ),

    {{ subject.name }}_present as (
        {% if subject.agency_on %}
        select rows_.*, agency_register.level, agency_register.commune_code
        from {{ subject.name }}_periods as rows_
        left join agency_register
            on rows_.agency_code = agency_register.agency_code
            and {{ subject.agency_on }} >= agency_register.valid_from and {{ subject.agency_on }} < agency_register.valid_to
        {% else %}
        select * from {{ subject.name }}_periods
        {% endif %}
    )
    {% endfor %}
{% endmacro %}

{# Figures of subjects for every period of a relation: a scope has all KPIs of a subject from the first period in which
   a row of it is present; the province always. -#}
{% macro kpis_by_period(subjects, tables, periods, as_of) %}
    {% set period = ['period_type', 'period_start', 'period_end'] %}
    {{ present_rows(subjects, tables, periods, as_of) }}
    {% for subject in subjects %}
    {% set scopes = scopes_of(subject) %}
    , {{ subject.name }}_counted as (
        select
            {{ grouped_scope(scopes) }},
            {{ period | join(', ') }}
            {% for column, (measure, at) in counted_columns(subject).items() %}
            , {{ total_of(measure, column) }} as {{ column }}
            {% endfor %}
        from (
            select
                {% for scope in scopes %}
                {{ scope_code(scope) }},
                {% endfor %}
                {{ period | join(', ') }}
                {% for column, (measure, at) in counted_columns(subject).items() %}
                , {{ counted(measure, at) }} as {{ column }}
                {% endfor %}
            from {{ subject.name }}_present
        ) as scoped
        {{ grouped_by_scope(scopes, period) }}
    ),

    {{ subject.name }}_known as (
        select {{ is_anything_known(subject.source, as_of) }} as is_known
    ),

    {{ subject.name }}_filled as (
        select
            scopes.scope_type, scopes.scope_code, periods.period_type, periods.period_start, periods.period_end
            {% for column, (measure, at) in counted_columns(subject).items() %}
            , {{ column if measure.reading else 'case when is_known then coalesce(' ~ column ~ ', 0) end' }} as {{ column }}
            {% endfor %}
        from (
            select 'province' as scope_type, 'all' as scope_code, date '0001-01-01' as first_end
            union all
            select scope_type, scope_code, min(period_end)
            from {{ subject.name }}_counted
            where scope_type <> 'province'
            group by scope_type, scope_code
        ) as scopes
        inner join periods on periods.period_end >= scopes.first_end
        left join {{ subject.name }}_counted as counted
            on scopes.scope_type = counted.scope_type and scopes.scope_code = counted.scope_code
            and periods.period_type = counted.period_type and periods.period_start = counted.period_start
        cross join {{ subject.name }}_known
    )
    {% endfor %}

    {% for subject in subjects %}
    {{ kpi_rows(subject, subject.name ~ '_filled', ['scope_type', 'scope_code'] + period, as_of) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}

{# The rows behind every KPI of one period: of a count those counted, of a rate the denominator's with whether each is
   in the numerator, of a sum or mean the rows with their amounts. -#}
{% macro rows_behind(subjects, tables, period, as_of) %}
    {{ present_rows(subjects, tables, period, as_of) }}
    {% for subject in subjects %}
    {% set last_subject = loop.last %}
    {% for kpi in subject.kpis %}
    {% set top = subject.measures[kpi.numerator] %}
    {% set base = subject.measures[kpi.denominator or kpi.numerator] %}
    {% set amount = top.amount or top.reading %}
    select {{ 'distinct' if base.distinct }}
        '{{ kpi.code }}' as kpi_code,
        {{ base.distinct or subject.entity }} as entity_code,
        {{ 'coalesce(' ~ is_counted(top, kpi.at) ~ ', false)' if kpi.denominator and not amount else 'true' }} as in_numerator,
        cast({{ amount or 'null' }} as bigint) as amount,
        {% for scope in var('scope_types') %}
        {{ scope_code(scope) if scope in scopes_of(subject) else 'null as scope_' ~ scope }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ subject.name }}_present
    where {{ is_counted(base, kpi.at) }}{% if kpi.source %} and {{ is_anything_known(kpi.source, as_of) }}{% endif %}

    {{ 'union all' if not (loop.last and last_subject) }}
    {% endfor %}
    {% endfor %}
{% endmacro %}


{# Whether a KPI is made of days alone, the same for numerator and denominator, so that each row adds to it day by day. -#}
{% macro is_of_days(subject, kpi) %}
    {% set top, base = subject.measures[kpi.numerator], subject.measures[kpi.denominator or kpi.numerator] %}
    {% set said = [top.on, top.from, top.until, top.when, base.when] | select | join(' ') %}
    {{ return(
        [top.on, top.from, top.until] == [base.on, base.from, base.until] and 'period_' not in said
        and not (top.distinct or top.reading or base.distinct or base.reading or kpi.at or subject.agency_on)
    ) }}
{% endmacro %}

{# The rows behind every KPI of days alone, up to a day, by the day on which each begins to count and the day on which
   it ends to (`change` 1 and -1): of a flow the days of a period add up to its rows, of a stock all days to its last. -#}
{% macro changes_behind(subjects, until) %}
    {% set among, selects = [], [] %}
    {% for subject in subjects %}
        {% set of_days = [] %}
        {% for kpi in subject.kpis if is_of_days(subject, kpi) %}{% do of_days.append(kpi) %}{% endfor %}
        {% if of_days %}
            {% do among.append(subject.name ~ '_rows as (' ~ subject.rows ~ ')') %}
        {% endif %}
        {% for kpi in of_days %}
            {% set top = subject.measures[kpi.numerator] %}
            {% set base = subject.measures[kpi.denominator or kpi.numerator] %}
            {% set amount = base.amount or top.amount %}
            {% for day in [base.on or base.from, base.until] if day %}
                {% set one %}
    select
        '{{ kpi.code }}' as kpi_code,
        {{ subject.entity }} as entity_code,
        {{ day }} as changed_on,
        {{ 1 if loop.first else -1 }} as change,
        {{ 'false' if base.on else 'true' }} as is_stock,
        {{ 'coalesce(' ~ (top.when or 'true') ~ ', false)' if kpi.denominator and not amount else 'true' }} as in_numerator,
        cast({{ amount or 'null' }} as bigint) as amount,
        {% for scope in var('scope_types') %}
        {{ scope_code(scope) if scope in scopes_of(subject) else 'null as scope_' ~ scope }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ subject.name }}_rows
    where {{ day }} <= {{ until }}
        {% if base.when %}and {{ base.when }}{% endif %}
        {% if not loop.first %}and {{ base.from }} is not null{% endif %}
        {% if kpi.source %}and {{ is_anything_known(kpi.source, until) }}{% endif %}
                {% endset %}
                {% do selects.append(one) %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
    with {{ among | join(',\n') }}
    {{ selects | join('\n    union all\n') }}
{% endmacro %}


{# --- As running sums of daily changes -#}

{# Measures of days alone, whose rows add up. -#}
{% macro measure_days(subject) %}
    {% set days = [] %}
    {% for name, measure in subject.measures.items() %}
        {% if measure.distinct or measure.reading %}
            {{ exceptions.raise_compiler_error(subject.name ~ '.' ~ name ~ ': rows that do not add up have no running sum') }}
        {% endif %}
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
    {%- if day in (measure.on, measure.from) -%}
        case when {{ condition }} then {{ amount }} else 0 end
    {%- elif measure.until == day -%}
        case when {{ condition }} and {{ measure.from }} is not null then -{{ amount }} else 0 end
    {%- else -%}
        0
    {%- endif -%}
{%- endmacro %}

{# Changes of every measure by scope and bucket. `bucket` is an expression over the column `day_`; days after
   `until` are left out. Rows may have a `sign`, a column of 1 and -1, and `keys`, columns that keep them apart. -#}
{% macro changes_by_scope(subject, bucket, until, keys=[], sign=none) %}
    {% set scopes = scopes_of(subject) %}
    with subject_rows as (
        {{ subject.rows }}
    ),

    changes as (
        {% for day in measure_days(subject) %}
        select
            {{ day }} as day_,
            {% for key in keys %}
            {{ key }},
            {% endfor %}
            {% for scope in scopes %}
            {{ scope_code(scope) }},
            {% endfor %}
            {% for name, measure in subject.measures.items() %}
            {{ sign ~ ' * ' if sign }}{{ change_on(measure, day) }} as {{ name }}{{ ',' if not loop.last }}
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
        {{ grouped_scope(scopes) }},
        {% for key in keys + ['bucket'] %}
        {{ key }},
        {% endfor %}
        {% for name in subject.measures %}
        sum({{ name }}) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from bucketed
    {{ grouped_by_scope(scopes, keys + ['bucket']) }}
{% endmacro %}
