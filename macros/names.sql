{# The tables that the definitions read, as refs while building (see published_names for the release). Name only
   those that a model needs: each is a dependency of it. -#}
{% macro built_names(tables) %}
    {% set names = {} %}
    {% for table in tables %}
        {% set model = {'dossier_versions': 'fct_dossier_versions', 'dates': 'dim_date'}.get(table, 'history_' ~ table) %}
        {% do names.update({table: ref(model)}) %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}

{# Every source and register with versions of its own. -#}
{% macro history_tables() %}
    {{ return([
        'agencies', 'civil_registrations', 'directives', 'dossier_events', 'health_facilities', 'health_lookups',
        'index_results', 'inspections', 'payment_providers', 'payments', 'petitions', 'plan_tasks', 'procedure_cuts',
        'procedures', 'satisfaction', 'supplements', 'trainings', 'unit_ratings',
    ]) }}
{% endmacro %}

{# The release's as-of day, as an expression. -#}
{% macro as_of() %}(select run.as_of from {{ ref('stg_run') }} as run){% endmacro %}
