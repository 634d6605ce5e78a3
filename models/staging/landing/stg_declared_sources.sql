select source, title_vi
from {{ source('lake', 'sources') }}
