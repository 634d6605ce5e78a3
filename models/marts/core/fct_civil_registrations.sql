select * {{ excluding(['known_to']) }}
from ({{ civil_registrations_known_on({
    'agencies': ref('history_agencies'),
    'civil_registrations': ref('history_civil_registrations'),
}, as_of()) }}) as registrations
