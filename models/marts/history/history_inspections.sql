{{ config(alias='inspections', schema='history') }}
{{ history_of(ref('stg_inspections'), ['inspection_code'], [
    'agency_code', 'inspected_on', 'kind', 'findings_count', 'resolved_count',
]) }}
