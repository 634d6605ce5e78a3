{{ config(materialized='view') }}
{{ dossiers_known_on({
    'dossier_versions': ref('int_dossier_outcomes'),
    'dates': ref('int_calendar'),
    'supplements': ref('history_supplements'),
    'agencies': ref('history_agencies'),
    'portal_dossiers': ref('history_portal_dossiers'),
}, as_of(), "'separate'") }}
