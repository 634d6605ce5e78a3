select
    source,
    source_file,
    row_number,
    column_name,
    reason_code,
    detail,
    raw_row
from {{ ref('stg_rejected_rows') }}
