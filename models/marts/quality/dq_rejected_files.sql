select
    source,
    source_file,
    reason_code,
    detail
from {{ ref('stg_landed_files') }}
where status = 'rejected'
