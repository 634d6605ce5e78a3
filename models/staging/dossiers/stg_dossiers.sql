{{ staged_dossiers(source('lake', 'dossiers')) }}
