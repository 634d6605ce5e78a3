{# Agencies valid on the last day, and which of them work as the reform wants. -#}
{% macro figures_of_agencies(tables, as_of) %}
    {% set rows = valid_on_register(tables.agencies, 'agency_code', [
        'level', 'commune_code', 'uses_e_office', 'has_internal_process', 'has_electronic_process',
    ], as_of) %}
    {% set valid = {'from': 'valid_from', 'until': 'valid_to'} %}
    {% set upper = "level in ('province', 'district')" %}
    {{ return({
        'name': 'agencies', 'source': tables.agencies, 'rows': rows, 'entity': 'agency_code',
        'scopes': ['agency', 'level', 'commune'],
        'measures': {
            'valid': valid,
            'with_e_office': dict(valid, when='uses_e_office'),
            'upper': dict(valid, when=upper),
            'upper_with_internal_process': dict(valid, when=upper ~ ' and has_internal_process'),
            'upper_with_electronic_process': dict(valid, when=upper ~ ' and has_electronic_process'),
        },
        'kpis': [
            {'code': 'internal_process_rate', 'numerator': 'upper_with_internal_process', 'denominator': 'upper'},
            {'code': 'electronic_process_rate', 'numerator': 'upper_with_electronic_process', 'denominator': 'upper'},
            {'code': 'e_office_rate', 'numerator': 'with_e_office', 'denominator': 'valid'},
        ],
    }) }}
{% endmacro %}
