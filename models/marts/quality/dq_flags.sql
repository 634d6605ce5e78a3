-- Dossiers and rows of the other sources that can be read but cannot be true (docs/landing-contract.md 5).
with newest_events as (
    select dossier_code, source_file from {{ ref('fct_dossier_events') }}
),

dossiers as (
    select distinct dossier_code from {{ ref('int_dossier_outcomes') }}
),

registrations as (
    select
        *,
        row_number() over (
            partition by event_type, person_key, event_date order by registered_at, registration_code
        ) as place
    from {{ ref('fct_civil_registrations') }}
)

select source, entity_code, rule_code, detail, source_file
from {{ ref('int_dossier_flags') }}
union all
select
    'payments' as source, payments.transaction_code as entity_code, 'payment_without_dossier' as rule_code,
    'dossier ' || payments.dossier_code as detail, payments.source_file
from {{ ref('fct_payments') }} as payments
left join dossiers on payments.dossier_code = dossiers.dossier_code
where dossiers.dossier_code is null
union all
select
    'dossier_events' as source, newest_events.dossier_code as entity_code, 'event_without_dossier' as rule_code,
    'no dossier of this code is known' as detail, max(newest_events.source_file) as source_file
from newest_events
left join dossiers on newest_events.dossier_code = dossiers.dossier_code
where dossiers.dossier_code is null
group by newest_events.dossier_code
union all
select
    'supplements' as source, dossier_code as entity_code, 'supplement_without_resume' as rule_code,
    'asked ' || max({{ day('requested_at') }}) as detail, max_by(source_file, requested_at) as source_file
from {{ ref('fct_supplements') }}
where resumed_at is null and {{ days_between(day('requested_at'), as_of()) }} > 30
group by dossier_code
union all
select
    'civil_registrations' as source, registration_code as entity_code, 'duplicate_registration' as rule_code,
    event_type || ' of ' || event_date || ' was registered before' as detail, source_file
from registrations
where place > 1 and person_key is not null
union all
select
    'civil_registrations' as source, registration_code as entity_code, 'registered_before_event' as rule_code,
    'registered ' || registered_on || ', happened ' || event_on as detail, source_file
from registrations
where registered_on < event_on
union all
select
    'health_lookups' as source, lookups.lookup_code as entity_code, 'lookup_at_unknown_facility' as rule_code,
    'facility ' || lookups.facility_code as detail, lookups.source_file
from {{ ref('fct_health_lookups') }} as lookups
left join (select distinct facility_code from {{ ref('history_health_facilities') }}) as facilities
    on lookups.facility_code = facilities.facility_code
where facilities.facility_code is null and exists (select 1 from {{ ref('history_health_facilities') }})
