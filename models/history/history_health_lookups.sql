{{ history_of('health_lookups', ref('stg_health_lookups')) }}
