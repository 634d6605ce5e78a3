{{ config(alias='dossier_events', schema='history') }}
{{ history_of(ref('stg_dossier_events'), ['dossier_code', 'occurred_at', 'status_code'], [
    'step_name', 'unit_name', 'due_at',
], ['officer_key']) }}
