select
    registration_code,
    event_type,
    event_date,
    registered_at,
    commune_code,
    channel,
    is_interlinked,
    group_dossier_code,
    person_key,
    person_identity_kind,
    nullif(registration_kind, 'unknown') as registration_kind,
    registry_office,
    source_file,
    export_stamp,
    row_number
from {{ accepted(source('lake', 'civil_registrations')) }}
