select
    inspection_code,
    agency_code,
    inspected_on,
    kind,
    findings_count,
    resolved_count,
    source_file,
    export_stamp,
    row_number
from {{ source('lake', 'inspections') }}
where reject_reason is null
