{{ config(alias='plan_tasks', schema='history') }}
{{ history_of(ref('stg_plan_tasks'), ['task_code'], [
    'title', 'lead_agency_code', 'assigned_on', 'due_on', 'completed_on', 'status', 'domain',
]) }}
