{# The tables that subjects read (macros/figures/subjects.sql), as they stand in the release. -#}
{% macro release_tables() %}
    {% set tables = {'dates': source('marts', 'dim_date'), 'dossier_versions': source('marts', 'fct_dossier_versions')} %}
    {% for name in ['agencies', 'civil_registrations', 'health_facilities', 'health_lookups', 'payments', 'portal_dossiers', 'supplements'] %}
        {% do tables.update({name: source('history', name)}) %}
    {% endfor %}
    {{ return(tables) }}
{% endmacro %}

{# The release's as-of day, as an expression. -#}
{% macro release_as_of() %}(select max(as_of) from {{ source('marts', 'kpi_values') }}){% endmacro %}

{# What each row of a subject adds to its measures, day by day up to `until`: one row an entity and day on which
   something counted changes. Summed up over days, flows are those of a period, stocks as they stand at its end. -#}
{% macro changes_of(subject, until) %}
    {% set scopes = scopes_of(subject) | reject('equalto', 'province') | list %}
    with subject_rows as (
        {{ subject.rows }}
    ),

    changes as (
        {% for day in measure_days(subject) %}
        select
            {{ subject.entity }} as entity_code,
            {{ day }} as changed_on,
            {% for scope in scopes %}
            coalesce({{ scope_column(scope) }}, 'unknown') as {{ scope }},
            {% endfor %}
            {% for name, measure in subject.measures.items() %}
            {{ change_on(measure, day) }} as {{ name }}{{ ',' if not loop.last }}
            {% endfor %}
        from subject_rows
        where {{ day }} <= {{ until }}
        {{ 'union all' if not loop.last }}
        {% endfor %}
    )

    select
        {{ (['entity_code', 'changed_on'] + scopes) | join(', ') }},
        {% for name in subject.measures %}
        cast(sum({{ name }}) as bigint) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from changes
    group by {{ (['entity_code', 'changed_on'] + scopes) | join(', ') }}
{% endmacro %}
