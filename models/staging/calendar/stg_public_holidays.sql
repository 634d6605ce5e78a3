select
    date_day,
    is_working_day,
    reason
from {{ source('lake', 'public_holidays') }}
