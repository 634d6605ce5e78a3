select * {{ excluding(['known_to']) }}
from ({{ civil_registrations_known_on(built_names(['agencies', 'civil_registrations']), as_of()) }}) as registrations
