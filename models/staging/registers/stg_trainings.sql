select
    training_code,
    held_on,
    title,
    participants,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'trainings')) }}
