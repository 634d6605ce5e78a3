select
    source,
    column_name,
    kind,
    is_required,
    accepted_headers,
    personal_data_class
from {{ source('lake', 'source_columns') }}
