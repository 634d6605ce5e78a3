{# The tables that the definitions read, as refs while building (see published_names for the release). -#}
{% macro built_names() %}
    {% set names = {'dossier_versions': ref('fct_dossier_versions'), 'dates': ref('dim_date')} %}
    {% do names.update({
        'agencies': ref('history_agencies'), 'civil_registrations': ref('history_civil_registrations'),
        'directives': ref('history_directives'), 'dossier_events': ref('history_dossier_events'),
        'health_facilities': ref('history_health_facilities'), 'health_lookups': ref('history_health_lookups'),
        'index_results': ref('history_index_results'), 'inspections': ref('history_inspections'),
        'payment_providers': ref('history_payment_providers'), 'payments': ref('history_payments'),
        'petitions': ref('history_petitions'), 'plan_tasks': ref('history_plan_tasks'),
        'procedure_cuts': ref('history_procedure_cuts'), 'procedures': ref('history_procedures'),
        'satisfaction': ref('history_satisfaction'), 'supplements': ref('history_supplements'),
        'trainings': ref('history_trainings'), 'unit_ratings': ref('history_unit_ratings'),
    }) %}
    {{ return(names) }}
{% endmacro %}

{# The release's as-of day, as an expression. -#}
{% macro as_of() %}(select run.as_of from {{ ref('stg_run') }} as run){% endmacro %}
