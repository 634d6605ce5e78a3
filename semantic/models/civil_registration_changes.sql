{{ changes_of(figures_of_civil_registrations(release_tables(), release_as_of()), release_as_of()) }}
