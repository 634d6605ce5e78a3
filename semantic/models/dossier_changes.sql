{% set rows = dossiers_known_on(release_tables(), release_as_of(), "'separate'") %}
{{ changes_of(figures_of_dossiers(rows), release_as_of()) }}
