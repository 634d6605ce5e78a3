{# Administrative procedures: those offered online on the last day, and those whose time was cut in the period. -#}

{% macro figures_of_online_services(tables, as_of) %}
    {% set rows %}
        select *
        from ({{ valid_on_register(tables.procedures, 'procedure_code', ['level', 'service_level', 'is_online'], as_of) }}) as procedures
        where is_online
    {% endset %}
    {{ return({
        'name': 'online_services', 'source': tables.procedures, 'rows': rows, 'entity': 'procedure_code', 'scopes': ['level'],
        'measures': {
            'offered': {'from': 'valid_from', 'until': 'valid_to'},
            'full_process': {'from': 'valid_from', 'until': 'valid_to', 'when': "service_level = 'full'"},
        },
        'kpis': [
            {'code': 'online_services_offered', 'numerator': 'offered'},
            {'code': 'online_services_full_process', 'numerator': 'full_process'},
        ],
    }) }}
{% endmacro %}

{% macro figures_of_procedure_cuts(tables, as_of) %}
    {% set rows %}
        select
            procedure_code || '|' || decision_number as cut,
            procedure_code,
            decided_on,
            days_before - days_after as days_saved
        from {{ known(tables.procedure_cuts, as_of) }} as cuts
        where days_after < days_before
    {% endset %}
    {{ return({
        'name': 'procedure_cuts', 'source': tables.procedure_cuts, 'rows': rows, 'entity': 'cut',
        'measures': {
            'shortened': {'on': 'decided_on', 'distinct': 'procedure_code'},
            'days_saved': {'on': 'decided_on', 'amount': 'days_saved'},
        },
        'kpis': [
            {'code': 'procedures_shortened', 'numerator': 'shortened'},
            {'code': 'procedure_days_saved', 'numerator': 'days_saved'},
        ],
    }) }}
{% endmacro %}
