select
    index_code,
    year,
    domain_code,
    score,
    rank,
    ranked_units,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'index_results')) }}
