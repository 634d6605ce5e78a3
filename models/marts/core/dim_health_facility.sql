-- Facilities of the register, one version each time an entry changed; those that only look-ups name are inferred.
with shown as (
    select facility_code, facility_name, max(last_shown_at) as last_shown_at
    from {{ ref('history_health_lookups') }}
    group by facility_code, facility_name
),

named as (
    select facility_code, {{ last_shown('facility_name') }} as facility_name
    from shown
    group by facility_code
),

entries as (
    select
        facility_code, facility_name, commune_code, uses_cccd_since, false as is_inferred,
        {{ day('known_from') }} as valid_from,
        case when known_to = {{ open_end() }} then {{ open_end_day() }} else {{ day('known_to') }} end as valid_to,
        known_to = {{ open_end() }} as is_current
    from {{ ref('history_health_facilities') }}
    -- Of several versions of one day the last counts.
    where (known_to = {{ open_end() }} or {{ day('known_from') }} < {{ day('known_to') }})
        and facility_code <> {{ unknown_code() }}
    union all
    select
        named.facility_code, coalesce(named.facility_name, named.facility_code), null, null, true,
        {{ unknown_from() }}, {{ open_end_day() }}, true
    from named
    left join {{ ref('history_health_facilities') }} as register on named.facility_code = register.facility_code
    where register.facility_code is null and named.facility_code <> {{ unknown_code() }}
    union all
    select
        {{ unknown_code() }}, {{ unknown_code() }}, null, null, true,
        {{ unknown_from() }}, {{ open_end_day() }}, true
)

select {{ surrogate_key(['facility_code', 'valid_from']) }} as facility_key, *
from entries
