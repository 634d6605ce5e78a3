select
    procedure_code,
    decision_number,
    decided_on,
    days_before,
    days_after,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'procedure_cuts')) }}
