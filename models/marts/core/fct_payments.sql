{{ newest_of(ref('history_payments')) }}
