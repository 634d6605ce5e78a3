{{ config(alias='agencies', schema='history') }}
{{ history_of(ref('stg_agencies'), ['agency_code', 'valid_from'], [
    'agency_name', 'level', 'parent_code', 'commune_code', 'district_code', 'uses_e_office',
    'has_internal_process', 'has_electronic_process', 'valid_to',
]) }}
