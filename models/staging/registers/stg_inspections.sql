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
from {{ accepted(source('lake', 'inspections')) }}
