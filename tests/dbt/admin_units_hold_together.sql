-- A unit lies in one of the level above for all its validity; a commune or province that ends goes over into another,
-- one that begins came from another; the kind of a merger says what both sides of the bridge show.
with units as (
    select *
    from {{ ref('dim_admin_unit') }}
    where unit_code <> {{ unknown_code() }}
),

mergers as (
    select
        bridge.kind,
        bridge.old_unit_code,
        bridge.new_unit_code,
        old_unit.unit_name = new_unit.unit_name as keeps_its_name,
        count(*) over (partition by bridge.old_unit_key) as becomes,
        count(*) over (partition by bridge.new_unit_key) as made_of
    from {{ ref('bridge_admin_unit') }} as bridge
    inner join units as old_unit on bridge.old_unit_key = old_unit.unit_key
    inner join units as new_unit on bridge.new_unit_key = new_unit.unit_key
)

select own.unit_code, 'lies in no unit of a level above' as fault
from units as own
left join units as parent
    on own.parent_code = parent.unit_code
    and parent.valid_from <= own.valid_from and own.valid_to <= parent.valid_to
    and (parent.level = 'province' or parent.level = 'district' and own.level = 'commune')
where own.level <> 'province' and parent.unit_code is null
union all
select unit_code, 'ended and became nothing' as fault
from units
where
    valid_to < {{ open_end_day() }} and level <> 'district'
    and unit_key not in (select bridge.old_unit_key from {{ ref('bridge_admin_unit') }} as bridge)
union all
select unit_code, 'began and came from nothing' as fault
from units
where
    valid_from > {{ unknown_from() }}
    and unit_key not in (select bridge.new_unit_key from {{ ref('bridge_admin_unit') }} as bridge)
union all
select old_unit_code as unit_code, 'is no ' || kind || ' into ' || new_unit_code as fault
from mergers
where not case kind
    when 'unchanged' then becomes = 1 and made_of = 1 and old_unit_code = new_unit_code and keeps_its_name
    when 'renamed' then becomes = 1 and made_of = 1 and not keeps_its_name
    when 'merged_whole' then becomes = 1 and made_of > 1
    else becomes > 1
end
