{{ config(alias='procedures', schema='history') }}
{{ history_of(ref('stg_procedures'), ['procedure_code', 'valid_from'], [
    'procedure_name', 'field_code', 'field_name', 'level', 'service_level', 'is_online', 'statutory_days', 'valid_to',
]) }}
