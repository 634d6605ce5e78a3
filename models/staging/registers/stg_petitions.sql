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
from {{ source('lake', 'petitions') }}
where reject_reason is null
