select
    lookup_code,
    facility_code,
    facility_name,
    looked_up_at,
    document_type,
    identity_key,
    identity_identity_kind as identity_kind,
    result,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'health_lookups')) }}
