{{ config(materialized='view') }}
{{ with_dimensions('(' ~ newest_of(ref('history_procedure_cuts')) ~ ')', {
    'procedure': {'dimension': ref('dim_procedure'), 'code': 'procedure_code', 'on': 'facts.decided_on'},
}, {
    'decided_date': 'facts.decided_on',
}) }}
