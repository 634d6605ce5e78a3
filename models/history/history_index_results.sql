{{ history_of('index_results', ref('stg_index_results')) }}
