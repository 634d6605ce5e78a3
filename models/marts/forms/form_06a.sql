-- Columns as numbered in docs/domain.md, section 1.2; convention form_06a.
select
    scope_code as agency_code,
    period_type,
    period_start,
    period_end,
    cast(received + opening_in_process as bigint) as c03,
    cast(received_online as bigint) as c04,
    cast(received_direct + received_postal as bigint) as c05,
    cast(opening_in_process as bigint) as c06,
    cast(resolved_by_form_06a as bigint) as c07,
    cast(resolved_early as bigint) as c08,
    cast(on_due_date_by_form_06a as bigint) as c09,
    cast(resolved_late as bigint) as c10,
    cast(closing_in_process as bigint) as c11,
    cast(closing_in_process_within_due as bigint) as c12,
    cast(closing_in_process_overdue as bigint) as c13
from {{ ref('int_kpi_dossier_periods') }}
-- The total row has the code `all`: an agency that calls itself so is in it, and has no row of its own.
where scope_type = 'province' or (scope_type = 'agency' and scope_code <> 'all')
