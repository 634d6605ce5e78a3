select
    agency_code,
    agency_name,
    level,
    parent_code,
    commune_code,
    district_code,
    uses_e_office,
    has_internal_process,
    has_electronic_process,
    valid_from,
    valid_to,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'agencies')) }}
