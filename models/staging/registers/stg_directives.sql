select
    document_number,
    issued_on,
    title,
    issuer,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'directives')) }}
