{{ newest_of(ref('history_satisfaction')) }}
