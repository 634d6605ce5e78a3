select
    dossier_code,
    occurred_at,
    cast(status as integer) as status_code,
    step_name,
    unit_name,
    officer_key,
    due_at,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'dossier_events')) }}
