select source, title_vi, rhythm_days, rhythm_unit, warns_after_days, blocks_after_days
from {{ source('lake', 'sources') }}
