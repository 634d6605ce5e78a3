{# What figures are counted on. A subject reads aloud as: these rows, these measures, these KPIs (macros/counting.sql
   says what each word means). Every subject stands in a file of this folder, and in one of these two lists. -#}

{# The tables that subjects read. While building they are refs; in a release they stand without a catalog. -#}
{% macro figure_tables() %}
    {{ return({
        'agencies': ref('history_agencies'),
        'civil_registrations': ref('history_civil_registrations'),
        'dates': ref('dim_date'),
        'directives': ref('history_directives'),
        'dossier_versions': ref('fct_dossier_versions'),
        'health_facilities': ref('history_health_facilities'),
        'health_lookups': ref('history_health_lookups'),
        'index_results': ref('history_index_results'),
        'inspections': ref('history_inspections'),
        'payment_providers': ref('history_payment_providers'),
        'payments': ref('history_payments'),
        'petitions': ref('history_petitions'),
        'plan_tasks': ref('history_plan_tasks'),
        'portal_dossiers': ref('history_portal_dossiers'),
        'procedure_cuts': ref('history_procedure_cuts'),
        'procedures': ref('history_procedures'),
        'satisfaction': ref('history_satisfaction'),
        'supplements': ref('history_supplements'),
        'trainings': ref('history_trainings'),
        'unit_ratings': ref('history_unit_ratings'),
    }) }}
{% endmacro %}

{# Every subject but dossiers, as known at the end of a day. -#}
{% macro subjects_besides_dossiers(tables, as_of) %}
    {{ return([
        figures_of_plan_tasks(tables, as_of),
        figures_of_directives(tables, as_of),
        figures_of_inspections(tables, as_of),
        figures_of_trainings(tables, as_of),
        figures_of_petitions(tables, as_of),
        figures_of_satisfaction(tables, as_of),
        figures_of_unit_ratings(tables, as_of),
        figures_of_index_results(tables, as_of),
        figures_of_online_services(tables, as_of),
        figures_of_procedure_cuts(tables, as_of),
        figures_of_payment_providers(tables, as_of),
        figures_of_payments(tables, as_of),
        figures_of_agencies(tables, as_of),
        figures_of_health_facilities(tables, as_of),
        figures_of_health_lookups(tables, as_of),
        figures_of_civil_registrations(tables, as_of),
    ]) }}
{% endmacro %}
