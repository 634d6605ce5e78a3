select
    petition_code,
    received_on,
    due_on,
    answered_on,
    agency_code,
    satisfied,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'petitions')) }}
