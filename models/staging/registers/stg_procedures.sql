select
    procedure_code,
    procedure_name,
    field_code,
    field_name,
    level,
    service_level,
    is_online,
    statutory_days,
    valid_from,
    valid_to,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'procedures')) }}
