{{ history_of('portal_dossiers', ref('stg_portal_dossiers')) }}
