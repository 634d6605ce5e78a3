{{ config(alias='procedure_cuts', schema='history') }}
{{ history_of(ref('stg_procedure_cuts'), ['procedure_code', 'decision_number'], [
    'decided_on', 'days_before', 'days_after',
]) }}
