select
    procedure_code,
    decision_number,
    decided_on,
    days_before,
    days_after,
    source_file,
    export_stamp,
    row_number
from {{ source('lake', 'procedure_cuts') }}
where reject_reason is null
