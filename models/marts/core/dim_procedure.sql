-- Procedures of the register by validity; those that only dossiers name are kept, marked as inferred.
with entries_known as (
    {{ valid_on_register(ref('history_procedures'), 'procedure_code', [
        'procedure_name', 'field_code', 'field_name', 'level', 'service_level', 'is_online', 'statutory_days',
    ], as_of()) }}
),

-- An entry whose validity ends before it begins was never valid, and nothing may bear the unknown member's code.
register as (
    select *
    from entries_known
    where valid_from < valid_to and procedure_code <> {{ unknown_code() }}
),

shown as (
    select procedure_code, procedure_name, field_code, field_name, max(last_shown_at) as last_shown_at
    from {{ ref('int_dossier_outcomes') }}
    group by procedure_code, procedure_name, field_code, field_name
),

named as (
    select
        procedure_code,
        {{ last_shown('procedure_name') }} as procedure_name,
        {{ last_shown('field_code') }} as field_code,
        {{ last_shown('field_name') }} as field_name
    from shown
    group by procedure_code
),

entries as (
    select *, false as is_inferred
    from register
    union all
    select
        named.procedure_code, coalesce(named.procedure_name, named.procedure_code) as procedure_name,
        named.field_code, named.field_name, null as level, null as service_level, null as is_online,
        null as statutory_days,
        {{ unknown_from() }} as valid_from, {{ open_end_day() }} as valid_to, true as is_inferred
    from named
    left join register on named.procedure_code = register.procedure_code
    where register.procedure_code is null and named.procedure_code <> {{ unknown_code() }}
    union all
    select
        {{ unknown_code() }}, {{ unknown_code() }}, null, null, null, null, null, null,
        {{ unknown_from() }}, {{ open_end_day() }}, true
)

select
    {{ surrogate_key(['procedure_code', 'valid_from']) }} as procedure_key,
    procedure_code,
    procedure_name,
    field_code,
    field_name,
    level,
    service_level,
    is_online,
    statutory_days,
    is_inferred,
    valid_from,
    valid_to,
    {{ as_of() }} >= valid_from and {{ as_of() }} < valid_to as is_current
from entries
