select
    task_code,
    title,
    lead_agency_code,
    assigned_on,
    due_on,
    completed_on,
    status,
    domain,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'plan_tasks')) }}
