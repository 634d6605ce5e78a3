{{ changes_of(figures_of_payments(release_tables(), release_as_of()), release_as_of()) }}
