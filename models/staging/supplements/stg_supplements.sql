select
    dossier_code,
    requested_at,
    resumed_at,
    due_before,
    due_after,
    reason,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'supplements')) }}
