{% set known = civil_registrations_known_on({
    'agencies': ref('history_agencies'),
    'civil_registrations': ref('history_civil_registrations'),
}, as_of()) %}
{{ with_dimensions('(select * ' ~ excluding(['known_to']) ~ ' from (' ~ known ~ ') as registrations)', {}, {
    'registered_date': 'facts.registered_on',
    'happened_date': 'facts.event_on',
}) }}
