{{ dossiers_known_on({
    'dossier_versions': ref('fct_dossier_versions'),
    'dates': ref('dim_date'),
    'supplements': ref('history_supplements'),
    'agencies': ref('history_agencies'),
}, as_of(), "'separate'") }}
