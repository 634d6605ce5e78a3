{{ config(materialized='view') }}
{{ newest_of(ref('history_index_results')) }}
