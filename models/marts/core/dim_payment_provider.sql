-- Providers of the register, one version each time an entry changed; those that only payments name are inferred.
with entries as (
    select
        provider_code, provider_name, provider_type, connected_on, disconnected_on, false as is_inferred,
        {{ day('known_from') }} as valid_from,
        case when known_to = {{ open_end() }} then {{ open_end_day() }} else {{ day('known_to') }} end as valid_to,
        known_to = {{ open_end() }} as is_current
    from {{ ref('history_payment_providers') }}
    where (known_to = {{ open_end() }} or {{ day('known_from') }} < {{ day('known_to') }})
        and provider_code <> {{ unknown_code() }}
    union all
    select distinct
        payments.provider_code, payments.provider_code, null, null, null, true,
        {{ unknown_from() }}, {{ open_end_day() }}, true
    from {{ ref('history_payments') }} as payments
    left join {{ ref('history_payment_providers') }} as register on payments.provider_code = register.provider_code
    where register.provider_code is null and payments.provider_code <> {{ unknown_code() }}
    union all
    select
        {{ unknown_code() }}, {{ unknown_code() }}, null, null, null, true,
        {{ unknown_from() }}, {{ open_end_day() }}, true
)

select {{ surrogate_key(['provider_code', 'valid_from']) }} as provider_key, *
from entries
