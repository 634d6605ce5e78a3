{{ staged_dossiers(source('lake', 'portal_dossiers')) }}
