select
    period_type,
    period_start,
    period_end,
    first_release_id,
    first_as_of,
    dossier_code,
    agency_code,
    bucket_before,
    timeliness_before,
    bucket_after,
    timeliness_after,
    reason_code,
    source_file,
    known_from
from {{ ref('int_restatements') }}
