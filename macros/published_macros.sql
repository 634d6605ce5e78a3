{# The definitions, published inside cchc.duckdb as table macros: what `cchc kpi`, `cchc explain` and analysts
   call for odd periods and past days. They name tables as `marts.x`, without a catalog. -#}

{% macro published_names() %}
    {{ return({
        'dossier_versions': 'marts.fct_dossier_versions', 'supplements': 'history.supplements',
        'agencies': 'history.agencies', 'dates': 'marts.dim_date',
    }) }}
{% endmacro %}

{# One table macro for the release; nothing when the build failed. -#}
{% macro published_macro(name, results) %}
    {% set failed = results | default([]) | rejectattr('node.resource_type', 'equalto', 'test')
        | selectattr('status', 'in', ['error', 'skipped']) | list %}
    {% if not execute or target.type != 'duckdb' or flags.WHICH != 'build' or failed %}{{ return('') }}{% endif %}
    {% set known = dossiers_known_on(published_names(), 'as_of_on', 'convention') %}
    {% if name == 'dossiers_as_of' %}
        create or replace macro marts.dossiers_as_of(as_of_on, convention := 'separate') as table (
            select *, {{ dossier_bucket('as_of_on') }} as bucket, {{ dossier_timeliness('as_of_on') }} as timeliness
            from ({{ known }})
        )
    {% elif name == 'kpis' %}
        create or replace macro marts.kpis(from_on, to_on, as_of_on, convention := 'separate') as table (
            {{ kpis_of_period(dossier_subject(), known, 'from_on', 'to_on') }}
        )
    {% elif name == 'rows_behind' %}
        create or replace macro marts.rows_behind(from_on, to_on, as_of_on, convention := 'separate') as table (
            {{ rows_behind(dossier_subject(), known, 'from_on', 'to_on') }}
        )
    {% endif %}
{% endmacro %}
