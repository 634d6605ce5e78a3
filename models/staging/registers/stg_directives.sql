select
    document_number,
    issued_on,
    title,
    issuer,
    source_file,
    export_stamp,
    row_number
from {{ source('lake', 'directives') }}
where reject_reason is null
