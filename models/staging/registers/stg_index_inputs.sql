select
    index_code,
    period_from,
    period_to,
    agency_code,
    criterion_code,
    numerator,
    denominator,
    declared_points,
    evidence,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'index_inputs')) }}
