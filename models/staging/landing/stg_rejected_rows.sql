select
    source,
    source_file,
    row_number,
    column_name,
    reason_code,
    detail,
    raw_row
from {{ source('lake', 'rejected_rows') }}
