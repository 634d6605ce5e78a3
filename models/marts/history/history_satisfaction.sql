{{ config(alias='satisfaction', schema='history') }}
{{ history_of(ref('stg_satisfaction'), ['agency_code', 'surveyed_on'], [
    'respondents', 'satisfied_count',
]) }}
