{{ newest_of(ref('history_health_lookups')) }}
