{{ history_of('payment_providers', ref('stg_payment_providers')) }}
