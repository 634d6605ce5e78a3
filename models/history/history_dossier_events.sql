{{ history_of('dossier_events', ref('stg_dossier_events')) }}
