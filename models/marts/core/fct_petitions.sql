{{ config(materialized='view') }}
{{ with_dimensions('(' ~ newest_of(ref('history_petitions')) ~ ')', {
    'agency': {'dimension': ref('dim_agency'), 'code': 'agency_code', 'on': 'facts.received_on'},
}, {
    'received_date': 'facts.received_on',
    'due_date': 'facts.due_on',
    'answered_date': 'facts.answered_on',
}) }}
