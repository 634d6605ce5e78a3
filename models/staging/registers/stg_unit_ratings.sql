select
    agency_code,
    year,
    score,
    grade,
    source_file,
    export_stamp,
    row_number
from {{ source('lake', 'unit_ratings') }}
where reject_reason is null
