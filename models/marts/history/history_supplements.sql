{{ config(alias='supplements', schema='history') }}
{{ history_of(ref('stg_supplements'), ['dossier_code', 'requested_at'], ['resumed_at', 'due_before', 'due_after', 'reason']) }}
