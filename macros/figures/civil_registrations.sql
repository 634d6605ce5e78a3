{# Births and deaths by the day registered. -#}
{% macro figures_of_civil_registrations(tables, as_of) %}
    {% set measures, kpis = {}, [] %}
    {% for event in ['birth', 'death'] %}
        {% set of_event = "event_type = '" ~ event ~ "'" %}
        {% do measures.update({
            event ~ 's': {'on': 'registered_on', 'when': of_event},
            event ~ 's_online': {'on': 'registered_on', 'when': of_event ~ " and channel = 'online'"},
            event ~ 's_with_deadline': {'on': 'registered_on', 'when': of_event ~ ' and has_deadline'},
            event ~ 's_on_time': {'on': 'registered_on', 'when': of_event ~ ' and has_deadline and is_on_time'},
        }) %}
        {% do kpis.extend([
            {'code': event ~ 's_registered', 'numerator': event ~ 's'},
            {'code': event ~ 's_registered_online', 'numerator': event ~ 's_online'},
            {'code': event ~ '_on_time_rate', 'numerator': event ~ 's_on_time', 'denominator': event ~ 's_with_deadline'},
        ]) %}
    {% endfor %}
    {{ return({
        'name': 'civil_registrations', 'source': tables.civil_registrations, 'entity': 'registration_code', 'scopes': ['commune'],
        'rows': civil_registrations_known_on(tables, as_of), 'measures': measures, 'kpis': kpis,
    }) }}
{% endmacro %}

{# Registrations as known on a day, with the commune that the register of agencies gives a registry office, and
   whether each was in time: 60 days for a birth, 15 for a death (Luật Hộ tịch 60/2014, articles 15 and 33). -#}
{% macro civil_registrations_known_on(tables, as_of) %}
    with register as (
        {{ valid_on_register(tables.agencies, 'agency_code', ['agency_name', 'commune_code'], as_of) }}
    ),

    registrations as (
        select
            * {{ excluding(['commune_code']) }},
            commune_code as own_commune_code,
            {{ day('registered_at') }} as registered_on,
            case when length(event_date) = 10 then cast(event_date as date) end as event_on
        from {{ known(tables.civil_registrations, as_of) }} as newest
    ),

    offices as (
        select
            registrations.registration_code,
            case when count(distinct register.commune_code) = 1 then min(register.commune_code) end as commune_code
        from registrations
        inner join register
            on {{ folded('registrations.registry_office') }} = {{ folded('register.agency_name') }}
            and registrations.registered_on >= register.valid_from and registrations.registered_on < register.valid_to
        where registrations.own_commune_code is null
        group by registrations.registration_code
    )

    select
        registrations.* {{ excluding(['own_commune_code']) }},
        coalesce(registrations.own_commune_code, offices.commune_code) as commune_code,
        event_on is not null and coalesce(registration_kind, 'new') in ('new', 'late') as has_deadline,
        coalesce(
            {{ days_between('event_on', 'registered_on') }} <= case event_type when 'birth' then 60 else 15 end, false
        ) as is_on_time
    from registrations
    left join offices on registrations.registration_code = offices.registration_code
{% endmacro %}
