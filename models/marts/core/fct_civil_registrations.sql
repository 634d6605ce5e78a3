{{ civil_registrations_known_on(built_names(), as_of()) }}
