{{ config(alias='petitions', schema='history') }}
{{ history_of(ref('stg_petitions'), ['petition_code'], [
    'received_on', 'due_on', 'answered_on', 'agency_code', 'satisfied',
]) }}
