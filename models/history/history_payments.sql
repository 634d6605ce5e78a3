{{ history_of('payments', ref('stg_payments')) }}
