select
    provider_code,
    provider_name,
    provider_type,
    connected_on,
    disconnected_on,
    source_file,
    export_stamp,
    row_number
from {{ source('lake', 'payment_providers') }}
where reject_reason is null
