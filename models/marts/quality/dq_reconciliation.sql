-- The identities of docs/landing-contract.md 4: whatever else changes, both sides stay equal.
{% set identities = [
    ('flows_close', 'opening_in_process + received', 'resolved + withdrawn + closing_in_process'),
    ('resolved_split', 'resolved_early + resolved_on_due_date + resolved_late', 'resolved'),
    ('in_process_split', 'closing_in_process_within_due + closing_in_process_overdue', 'closing_in_process'),
    ('channel_split', 'received_online + received_direct + received_postal', 'received'),
    ('service_level_split', 'received_full_process + received_partial_process + received_other_service', 'received'),
] %}
with periods as (
    select * from {{ ref('int_kpi_dossier_periods') }}
),

sides as (
    {% for identity, left, right in identities %}
    select
        '{{ identity }}' as identity,
        scope_type, scope_code, period_type, period_start,
        {{ left }} as left_value,
        {{ right }} as right_value
    from periods
    union all
    {% endfor %}
    select
        'scopes_sum_to_province' as identity,
        scopes.scope_type, 'all' as scope_code, scopes.period_type, scopes.period_start,
        sum(scopes.received + scopes.resolved + scopes.withdrawn + scopes.closing_in_process) as left_value,
        min(province.received + province.resolved + province.withdrawn + province.closing_in_process) as right_value
    from periods as scopes
    inner join periods as province
        on province.scope_type = 'province'
        and scopes.period_type = province.period_type and scopes.period_start = province.period_start
    where scopes.scope_type <> 'province'
    group by scopes.scope_type, scopes.period_type, scopes.period_start
    union all
    select
        'stock_continuity' as identity,
        later.scope_type, later.scope_code, later.period_type, later.period_start,
        earlier.closing_in_process as left_value,
        later.opening_in_process as right_value
    from periods as later
    inner join periods as earlier
        on later.scope_type = earlier.scope_type and later.scope_code = earlier.scope_code
        and later.period_type = earlier.period_type and later.period_start = {{ add_days('earlier.period_end', 1) }}
)

select
    identity,
    scope_type,
    scope_code,
    period_type,
    period_start,
    cast(left_value as bigint) as left_value,
    cast(right_value as bigint) as right_value,
    cast(left_value - right_value as bigint) as difference
from sides
