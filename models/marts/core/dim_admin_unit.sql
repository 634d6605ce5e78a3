-- Units of the reviewed list by validity; one whose beginning no list says was always valid.
with entries as (
    select
        unit_code, unit_name, level, unit_type, parent_code,
        coalesce(valid_from, {{ unknown_from() }}) as valid_from,
        coalesce(valid_to, {{ open_end_day() }}) as valid_to,
        source
    from {{ ref('admin_units') }}
    union all
    select
        {{ unknown_code() }}, {{ unknown_code() }}, null, null, null,
        {{ unknown_from() }}, {{ open_end_day() }}, null
)

select
    {{ surrogate_key(['unit_code', 'valid_from']) }} as unit_key,
    unit_code,
    unit_name,
    level,
    unit_type,
    parent_code,
    source,
    valid_from,
    valid_to,
    {{ as_of() }} >= valid_from and {{ as_of() }} < valid_to as is_current
from entries
