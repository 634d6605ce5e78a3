{{ config(alias='payments', schema='history') }}
{{ history_of(ref('stg_payments'), ['transaction_code'], [
    'dossier_code', 'provider_code', 'amount', 'status', 'paid_at', 'method',
]) }}
