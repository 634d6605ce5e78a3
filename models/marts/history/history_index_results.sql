{{ config(alias='index_results', schema='history') }}
{{ history_of(ref('stg_index_results'), ['index_code', 'year', 'domain_code'], [
    'score', 'rank', 'ranked_units',
]) }}
