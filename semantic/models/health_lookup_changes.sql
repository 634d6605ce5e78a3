{{ changes_of(figures_of_health_lookups(release_tables(), release_as_of()), release_as_of()) }}
