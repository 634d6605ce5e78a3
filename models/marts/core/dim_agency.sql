-- Agencies of the register by validity; those that only dossiers name are kept, marked as inferred.
with entries_known as (
    {{ valid_on_register(ref('history_agencies'), 'agency_code', [
        'agency_name', 'level', 'parent_code', 'commune_code', 'district_code', 'uses_e_office',
        'has_internal_process', 'has_electronic_process',
    ], as_of()) }}
),

-- An entry whose validity ends before it begins was never valid, and nothing may bear the unknown member's code.
register as (
    select *
    from entries_known
    where valid_from < valid_to and agency_code <> {{ unknown_code() }}
),

shown as (
    select agency_code, agency_name, max(last_shown_at) as last_shown_at
    from {{ ref('int_dossier_outcomes') }}
    group by agency_code, agency_name
),

named as (
    select agency_code, {{ last_shown('agency_name') }} as agency_name
    from shown
    group by agency_code
),

entries as (
    select *, false as is_inferred
    from register
    union all
    select
        named.agency_code, coalesce(named.agency_name, named.agency_code) as agency_name,
        null as level, null as parent_code, null as commune_code, null as district_code, null as uses_e_office,
        null as has_internal_process, null as has_electronic_process,
        {{ unknown_from() }} as valid_from, {{ open_end_day() }} as valid_to, true as is_inferred
    from named
    left join register on named.agency_code = register.agency_code
    where register.agency_code is null and named.agency_code <> {{ unknown_code() }}
    union all
    select
        {{ unknown_code() }}, {{ unknown_code() }}, null, null, null, null, null, null, null,
        {{ unknown_from() }}, {{ open_end_day() }}, true
)

select
    {{ surrogate_key(['agency_code', 'valid_from']) }} as agency_key,
    agency_code,
    agency_name,
    level,
    parent_code,
    commune_code,
    district_code,
    uses_e_office,
    has_internal_process,
    has_electronic_process,
    is_inferred,
    valid_from,
    valid_to,
    {{ as_of() }} >= valid_from and {{ as_of() }} < valid_to as is_current
from entries
