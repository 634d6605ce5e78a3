{{ history_of('satisfaction', ref('stg_satisfaction')) }}
