{{ config(materialized='view') }}
{{ with_dimensions('(' ~ newest_of(ref('history_satisfaction')) ~ ')', {
    'agency': {'dimension': ref('dim_agency'), 'code': 'agency_code', 'on': 'facts.surveyed_on'},
}, {
    'surveyed_date': 'facts.surveyed_on',
}) }}
