{{ config(materialized='view') }}
{{ with_dimensions('(' ~ newest_of(ref('history_plan_tasks')) ~ ')', {
    'agency': {'dimension': ref('dim_agency'), 'code': 'lead_agency_code', 'on': 'facts.assigned_on'},
}, {
    'assigned_date': 'facts.assigned_on',
    'due_date': 'facts.due_on',
    'completed_date': 'facts.completed_on',
}) }}
