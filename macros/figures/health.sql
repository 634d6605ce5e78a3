{# Health facilities as they stand on the last day, and the look-ups of insurance entitlement by day. -#}

{% macro figures_of_health_facilities(tables, as_of) %}
    {% set rows %}
        select facility_code, commune_code, uses_cccd_since, date '0001-01-01' as registered_from
        from {{ known(tables.health_facilities, as_of) }} as facilities
    {% endset %}
    {{ return({
        'name': 'health_facilities', 'source': tables.health_facilities, 'rows': rows, 'entity': 'facility_code',
        'scopes': ['commune'],
        'measures': {'registered': {'from': 'registered_from'}, 'using_cccd': {'from': 'uses_cccd_since'}},
        'kpis': [
            {'code': 'health_facilities', 'numerator': 'registered'},
            {'code': 'health_facilities_using_cccd', 'numerator': 'using_cccd'},
            {'code': 'cccd_facility_rate', 'numerator': 'using_cccd', 'denominator': 'registered'},
        ],
    }) }}
{% endmacro %}

{# A look-up that failed for technical reasons says nothing about success. -#}
{% macro figures_of_health_lookups(tables, as_of) %}
    {% set rows %}
        select
            lookups.lookup_code,
            facilities.commune_code,
            lookups.document_type,
            lookups.result,
            {{ day('lookups.looked_up_at') }} as looked_up_on
        from {{ known(tables.health_lookups, as_of) }} as lookups
        left join {{ known(tables.health_facilities, as_of) }} as facilities
            on lookups.facility_code = facilities.facility_code
    {% endset %}
    {{ return({
        'name': 'health_lookups', 'source': tables.health_lookups, 'rows': rows, 'entity': 'lookup_code', 'scopes': ['commune'],
        'measures': {
            'made': {'on': 'looked_up_on'},
            'by_cccd': {'on': 'looked_up_on', 'when': "document_type = 'CCCD'"},
            'answered': {'on': 'looked_up_on', 'when': "result <> 'technical_failure'"},
            'successful': {'on': 'looked_up_on', 'when': "result = 'successful'"},
        },
        'kpis': [
            {'code': 'health_lookups', 'numerator': 'made'},
            {'code': 'health_lookups_by_cccd', 'numerator': 'by_cccd'},
            {'code': 'health_lookup_success_rate', 'numerator': 'successful', 'denominator': 'answered'},
        ],
    }) }}
{% endmacro %}
