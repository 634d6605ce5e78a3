{{ history_of('supplements', ref('stg_supplements')) }}
