{{ config(materialized='view') }}
{{ with_dimensions('(' ~ newest_of(ref('history_payments')) ~ ')', {
    'provider': {'dimension': from_the_first(ref('dim_payment_provider'), 'provider_code'), 'code': 'provider_code', 'on': day('coalesce(facts.paid_at, facts.known_from)')},
}, {
    'paid_date': day('facts.paid_at'),
}) }}
