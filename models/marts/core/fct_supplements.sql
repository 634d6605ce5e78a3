{{ newest_of(ref('history_supplements')) }}
