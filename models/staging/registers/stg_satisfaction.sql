select
    agency_code,
    surveyed_on,
    respondents,
    satisfied_count,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'satisfaction')) }}
