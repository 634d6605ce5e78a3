select as_of
from {{ source('lake', 'run') }}
