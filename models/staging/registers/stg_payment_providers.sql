select
    provider_code,
    provider_name,
    provider_type,
    connected_on,
    disconnected_on,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'payment_providers')) }}
