{{ config(alias='payment_providers', schema='history') }}
{{ history_of(ref('stg_payment_providers'), ['provider_code'], [
    'provider_name', 'provider_type', 'connected_on', 'disconnected_on',
]) }}
