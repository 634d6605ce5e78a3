{{ config(alias='health_lookups', schema='history') }}
{{ history_of(ref('stg_health_lookups'), ['lookup_code'], [
    'facility_code', 'facility_name', 'looked_up_at', 'document_type', 'result',
], ['identity_key', 'identity_identity_kind']) }}
