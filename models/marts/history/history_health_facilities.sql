{{ config(alias='health_facilities', schema='history') }}
{{ history_of(ref('stg_health_facilities'), ['facility_code'], [
    'facility_name', 'commune_code', 'uses_cccd_since',
]) }}
