{{ history_of('index_inputs', ref('stg_index_inputs')) }}
