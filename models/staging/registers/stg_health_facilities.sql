select
    facility_code,
    facility_name,
    commune_code,
    uses_cccd_since,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'health_facilities')) }}
