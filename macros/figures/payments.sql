{# Online payment: providers connected on the last day, transactions paid by the day of payment. -#}

{% macro figures_of_payment_providers(tables, as_of) %}
    {% set rows %}
        select provider_code, provider_type, connected_on, disconnected_on
        from {{ known(tables.payment_providers, as_of) }} as providers
    {% endset %}
    {% set connected = {'from': 'connected_on', 'until': 'disconnected_on'} %}
    {{ return({
        'name': 'payment_providers', 'source': tables.payment_providers, 'rows': rows, 'entity': 'provider_code',
        'measures': {
            'banks': dict(connected, when="provider_type = 'bank'"),
            'wallets': dict(connected, when="provider_type in ('wallet', 'gateway')"),
        },
        'kpis': [
            {'code': 'payment_banks_connected', 'numerator': 'banks'},
            {'code': 'payment_wallets_connected', 'numerator': 'wallets'},
        ],
    }) }}
{% endmacro %}

{% macro figures_of_payments(tables, as_of) %}
    {% set rows %}
        select transaction_code, amount, {{ day('paid_at') }} as paid_on
        from {{ known(tables.payments, as_of) }} as payments
        where status = 'paid'
    {% endset %}
    {{ return({
        'name': 'payments', 'source': tables.payments, 'rows': rows, 'entity': 'transaction_code',
        'measures': {'paid': {'on': 'paid_on'}, 'paid_amount': {'on': 'paid_on', 'amount': 'amount'}},
        'kpis': [
            {'code': 'payments_paid', 'numerator': 'paid'},
            {'code': 'payments_paid_amount', 'numerator': 'paid_amount'},
        ],
    }) }}
{% endmacro %}
