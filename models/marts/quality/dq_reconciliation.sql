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
    union all
    -- Carried over into the next period as known now; in process as reported, and the net of the listed restatements.
    select
        'restated_stock' as identity,
        coalesce(known.scope_type, stock.scope_type) as scope_type,
        coalesce(known.scope_code, stock.scope_code) as scope_code,
        coalesce(known.period_type, stock.period_type) as period_type,
        coalesce(known.period_start, stock.period_start) as period_start,
        coalesce(known.carried_over, 0) as left_value,
        coalesce(stock.reported + stock.restated, 0) as right_value
    from (
        select
            later.scope_type, later.scope_code, reported.period_type, reported.period_start,
            later.opening_in_process as carried_over
        from periods as later
        inner join {{ ref('int_reported_periods') }} as reported
            on later.period_type = reported.period_type
            and later.period_start = {{ add_days('reported.period_end', 1) }}
            and reported.first_as_of < {{ as_of() }}
        where later.scope_type in ('province', 'agency')
    ) as known
    full outer join {{ ref('int_restated_stock') }} as stock
        on known.scope_type = stock.scope_type and known.scope_code = stock.scope_code
        and known.period_type = stock.period_type and known.period_start = stock.period_start
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
