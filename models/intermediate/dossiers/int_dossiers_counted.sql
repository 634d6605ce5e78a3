{{ dossiers_known_on(built_names(['dossier_versions', 'dates', 'supplements', 'agencies']), as_of(), "'separate'") }}
