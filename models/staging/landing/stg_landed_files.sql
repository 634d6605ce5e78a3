select
    source,
    source_file,
    export_stamp,
    status,
    rows_read,
    rows_accepted,
    rows_rejected,
    reason_code,
    detail,
    is_nested
from {{ source('lake', 'files') }}
