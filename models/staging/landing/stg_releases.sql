select number, release_id, as_of, reported_from
from {{ source('lake', 'releases') }}
