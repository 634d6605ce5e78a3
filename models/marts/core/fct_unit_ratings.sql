{{ newest_of(ref('history_unit_ratings')) }}
