{{ newest_of(ref('history_petitions')) }}
