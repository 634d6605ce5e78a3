select
    transaction_code,
    dossier_code,
    provider_code,
    amount,
    status,
    paid_at,
    method,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'payments')) }}
