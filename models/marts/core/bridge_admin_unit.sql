-- A merger ends the old version of a unit and begins the new one on the same day.
select
    old_unit.unit_key as old_unit_key,
    mergers.old_unit_code,
    new_unit.unit_key as new_unit_key,
    mergers.new_unit_code,
    mergers.merged_on,
    mergers.kind,
    mergers.source
from {{ ref('admin_unit_mergers') }} as mergers
left join {{ ref('dim_admin_unit') }} as old_unit
    on mergers.old_unit_code = old_unit.unit_code and mergers.merged_on = old_unit.valid_to
left join {{ ref('dim_admin_unit') }} as new_unit
    on mergers.new_unit_code = new_unit.unit_code and mergers.merged_on = new_unit.valid_from
