{{ config(alias='unit_ratings', schema='history') }}
{{ history_of(ref('stg_unit_ratings'), ['agency_code', 'year'], [
    'score', 'grade',
]) }}
