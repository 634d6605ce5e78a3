{{ config(materialized='view') }}
{{ with_dimensions('(' ~ newest_of(ref('history_inspections')) ~ ')', {
    'agency': {'dimension': ref('dim_agency'), 'code': 'agency_code', 'on': 'facts.inspected_on'},
}, {
    'inspected_date': 'facts.inspected_on',
}) }}
