{{ history_of('health_facilities', ref('stg_health_facilities')) }}
