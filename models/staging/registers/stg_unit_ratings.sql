select
    agency_code,
    year,
    score,
    grade,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'unit_ratings')) }}
