{{ newest_of(ref('history_dossier_events')) }}
