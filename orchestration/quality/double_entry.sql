-- Double entry: the main figures a second time, straight from the lake, by other ways than the warehouse's
-- (docs/landing-contract.md 4, 6; docs/decisions/0006-double-entry.md). Nothing of macros/ or models/ is used here.
--
-- Variables: `slice`, the first hex digit of md5 of the keys looked at, missing for all of them.
-- first_<subject> has the warehouse's own rows, second_<subject> the same columns from the lake; `entity_code` is the key.
-- Totals are added up from the second entry where it is whole, else from the first.

create or replace temp table today as
select as_of, cast(as_of + 1 as timestamp) as known_before from lake.run;

create or replace temp macro in_slice(code) as
    getvariable('slice') is null or md5(code)[1] = getvariable('slice');


-- Dossiers ----------------------------------------------------------------------------------------------------------

create or replace temp table shown as
select
    dossier_code, export_stamp, source_file, row_number, received_at, due_at, completed_at, returned_at,
    cast(status as integer) as status_code, result_kind, is_deleted, agency_code, channel, service_level,
    has_digitised_components, has_electronic_result, fee_amount, paid_online
from lake.dossiers
where reject_reason is null and in_slice(dossier_code) and export_stamp < (select known_before from today);

create or replace temp table newest_shown as
select shown.*
from shown
semi join (
    select dossier_code, max(export_stamp) as export_stamp from shown group by dossier_code
) as newest using (dossier_code, export_stamp)
qualify row_number() over (partition by dossier_code order by source_file desc, row_number desc) = 1;

-- Closed without a day of its own: the first export after the last one that still showed the dossier open.
create or replace temp table first_shown_closed as
with undated as (
    select dossier_code
    from newest_shown
    where status_code in (7, 8, 9, 10) and completed_at is null and returned_at is null
),

exports as (
    select
        dossier_code, export_stamp,
        max_by(status_code, (source_file, row_number)) in (7, 8, 9, 10) as is_closed
    from shown semi join undated using (dossier_code)
    group by dossier_code, export_stamp
),

last_open as (
    select dossier_code, max(export_stamp) as open_stamp from exports where not is_closed group by dossier_code
)

select exports.dossier_code, cast(min(exports.export_stamp) as date) as closed_on
from exports left join last_open using (dossier_code)
where open_stamp is null or exports.export_stamp > open_stamp
group by exports.dossier_code;

create or replace temp table judged as
select
    newest.*,
    newest.received_at::date as received_on,
    newest.due_at::date as due_on,
    status_code not in (1, 3) and not is_deleted and newest.received_at < (select known_before from today) as is_counted,
    status_code in (7, 8) or (status_code in (9, 10) and result_kind = 'Trả lại/Xin rút') is true as is_withdrawn,
    case
        when status_code not in (7, 8, 9, 10) then null
        when coalesce(completed_at::date, returned_at::date, first_shown_closed.closed_on) < newest.received_at::date
            then newest.received_at::date
        else coalesce(completed_at::date, returned_at::date, first_shown_closed.closed_on)
    end as closed_on
from newest_shown as newest
left join first_shown_closed using (dossier_code);

-- Working days counted from the first day of receipt on: between two days lie as many as their counts differ.
create or replace temp table work_days as
select
    day_on,
    count(*) filter (where coalesce(ordered.is_working_day, holidays.is_working_day, dayofweek(day_on) between 1 and 5))
        over (order by day_on) as number_of
from (
    select cast(unnest(range(cast(min(received_on) as timestamp), (select known_before from today), interval 1 day)) as date)
        as day_on
    from judged
)
left join lake.public_holidays as holidays on day_on = holidays.date_day
left join seeds.calendar_overrides as ordered on day_on = ordered.date_day;

-- Pauses as a tide: +1 on the day of a request, -1 on the day it is answered; working days count while it is above 0.
create or replace temp table waited as
with requests as (
    select
        dossier_code, requested_at,
        arg_max_null(resumed_at, (export_stamp, source_file, row_number)) as resumed_at
    from lake.supplements
    where reject_reason is null and in_slice(dossier_code) and export_stamp < (select known_before from today)
    group by dossier_code, requested_at
),

spans as (
    select
        dossier_code,
        greatest(requested_at::date, received_on) as from_on,
        case when resumed_at is null or resumed_at::date > closed_on then closed_on else resumed_at::date end as until_on
    from requests
    inner join judged using (dossier_code)
    where closed_on < (select known_before from today)
),

turns as (
    select dossier_code, day_on, sum(turn) as turn
    from (
        select dossier_code, from_on as day_on, 1 as turn from spans where from_on < until_on
        union all
        select dossier_code, until_on, -1 from spans where from_on < until_on
    )
    group by dossier_code, day_on
),

tides as (
    select
        dossier_code, day_on,
        sum(turn) over (partition by dossier_code order by day_on) as height,
        lead(day_on) over (partition by dossier_code order by day_on) as next_on
    from turns
)

select dossier_code, sum(upto.number_of - since.number_of) as working_days
from tides
inner join work_days as since on tides.day_on = since.day_on
inner join work_days as upto on tides.next_on = upto.day_on
where height > 0
group by dossier_code;

create or replace temp table second_dossiers as
with told as (
    select
        *,
        case
            when not is_counted then 'not_counted'
            when closed_on is null or closed_on >= (select known_before from today) then 'in_process'
            when is_withdrawn then 'withdrawn'
            else 'resolved'
        end as bucket
    from judged
)

select
    dossier_code as entity_code,
    bucket,
    case bucket
        when 'resolved' then
            case when due_on > closed_on then 'early' when due_on < closed_on then 'late' else 'on_due_date' end
        when 'in_process' then
            case when status_code not in (5, 6) and due_on < as_of then 'overdue' else 'within_due' end
    end as timeliness,
    received_on, due_on, closed_on,
    status_code in (5, 6) as is_paused,
    coalesce(agency_code, nullif(regexp_extract(dossier_code, '^([^-]*)-', 1), '')) as agency_code,
    channel, service_level, has_digitised_components, has_electronic_result, fee_amount, paid_online,
    case when bucket = 'resolved' then
        greatest(until.number_of - since.number_of - coalesce(waited.working_days, 0), 0)
    end::integer as processing_working_days
from told
cross join today
left join waited using (dossier_code)
left join work_days as since on received_on = since.day_on
left join work_days as until on closed_on = until.day_on;

create or replace temp view first_dossiers as
select
    dossier_code as entity_code, bucket, timeliness, received_at::date as received_on, due_at::date as due_on,
    closed_on, is_paused, agency_code, channel, service_level, has_digitised_components, has_electronic_result,
    fee_amount, paid_online, processing_working_days
from marts.fct_dossiers;


-- Other sources: the newest row of each key --------------------------------------------------------------------------

create or replace temp table second_payments as
select transaction_code as entity_code, paid_at::date as paid_on, amount, status = 'paid' as is_paid
from lake.payments
where reject_reason is null and in_slice(transaction_code) and export_stamp < (select known_before from today)
qualify row_number() over (partition by transaction_code order by export_stamp desc, source_file desc, row_number desc) = 1;

create or replace temp view first_payments as
select transaction_code as entity_code, paid_at::date as paid_on, amount, status = 'paid' as is_paid
from marts.fct_payments;

create or replace temp table second_health_lookups as
select lookup_code as entity_code, looked_up_at::date as looked_up_on, document_type, result
from lake.health_lookups
where reject_reason is null and in_slice(lookup_code) and export_stamp < (select known_before from today)
qualify row_number() over (partition by lookup_code order by export_stamp desc, source_file desc, row_number desc) = 1;

create or replace temp view first_health_lookups as
select lookup_code as entity_code, looked_up_at::date as looked_up_on, document_type, result
from marts.fct_health_lookups;

create or replace temp table second_civil_registrations as
select
    registration_code as entity_code, event_type, registered_at::date as registered_on, channel,
    length(event_date) = 10 and (registration_kind is null or registration_kind in ('new', 'late', 'unknown')) as has_deadline,
    coalesce(
        registered_at::date <= try_cast(event_date as date) + (case event_type when 'birth' then 60 when 'death' then 15 end),
        false
    ) as is_on_time
from lake.civil_registrations
where reject_reason is null and in_slice(registration_code) and export_stamp < (select known_before from today)
qualify row_number() over (partition by registration_code order by export_stamp desc, source_file desc, row_number desc) = 1;

create or replace temp view first_civil_registrations as
select registration_code as entity_code, event_type, registered_on, channel, has_deadline, is_on_time
from marts.fct_civil_registrations;

create or replace temp table second_plan_tasks as
select task_code as entity_code, lead_agency_code as agency_code, assigned_on, due_on, completed_on
from lake.plan_tasks
where reject_reason is null and in_slice(task_code) and export_stamp < (select known_before from today)
qualify row_number() over (partition by task_code order by export_stamp desc, source_file desc, row_number desc) = 1;

create or replace temp view first_plan_tasks as
select task_code as entity_code, lead_agency_code as agency_code, assigned_on, due_on, completed_on
from marts.fct_plan_tasks;


-- Totals ------------------------------------------------------------------------------------------------------------

create or replace temp view entry_dossiers as
select * from second_dossiers where getvariable('slice') is null
union all select * from first_dossiers where getvariable('slice') is not null;

create or replace temp view entry_payments as
select * from second_payments where getvariable('slice') is null
union all select * from first_payments where getvariable('slice') is not null;

create or replace temp view entry_health_lookups as
select * from second_health_lookups where getvariable('slice') is null
union all select * from first_health_lookups where getvariable('slice') is not null;

create or replace temp view entry_civil_registrations as
select * from second_civil_registrations where getvariable('slice') is null
union all select * from first_civil_registrations where getvariable('slice') is not null;

create or replace temp view entry_plan_tasks as
select * from second_plan_tasks where getvariable('slice') is null
union all select * from first_plan_tasks where getvariable('slice') is not null;

-- The running month, the running year and the last closed month, as far as the warehouse publishes any.
create or replace temp table spans_judged as
with first_day as (
    select coalesce(
        date_trunc('month', greatest(min(received_on), date '2010-01-01')), date_trunc('year', min(as_of))
    ) as on_
    from today left join entry_dossiers on bucket <> 'not_counted'
)

select period_type, from_on, to_on
from today, first_day, lateral (
    values
        ('month', date_trunc('month', as_of), as_of),
        ('year', date_trunc('year', as_of), as_of),
        ('month', date_trunc('month', as_of) - interval 1 month, date_trunc('month', as_of) - interval 1 day)
) as spans(period_type, from_on, to_on)
where to_on >= first_day.on_;

create or replace temp table sources_known as
select 'dossiers' as subject, exists (from lake.dossiers where reject_reason is null) as is_known
union all select 'payments', exists (from lake.payments where reject_reason is null)
union all select 'health_lookups', exists (from lake.health_lookups where reject_reason is null)
union all select 'civil_registrations', exists (from lake.civil_registrations where reject_reason is null)
union all select 'plan_tasks', exists (from lake.plan_tasks where reject_reason is null);

create or replace temp table counts_by_agency as
with dossiers as (
    select
        *,
        coalesce(agency_code, 'unknown') as agency,
        received_on >= from_on as is_new,
        closed_on >= from_on and closed_on <= to_on and bucket = 'resolved' as is_resolved,
        closed_on is null or closed_on > to_on as is_open
    from entry_dossiers
    cross join spans_judged
    where bucket <> 'not_counted' and received_on <= to_on and (closed_on is null or closed_on >= from_on)
),

tasks as (
    select *, agency_code as agency, coalesce(completed_on <= to_on, false) as is_done
    from entry_plan_tasks
    inner join spans_judged on year(assigned_on) = year(to_on) and assigned_on <= to_on
)

unpivot (
    select
        'dossiers' as subject, agency, period_type, from_on,
        count(*) filter (is_new) as received,
        count(*) filter (is_new and channel = 'online') as received_online,
        count(*) filter (is_new and channel = 'direct') as received_direct,
        count(*) filter (is_new and channel = 'postal') as received_postal,
        count(*) filter (is_new and service_level = 'full') as received_full,
        count(*) filter (is_new and service_level = 'partial') as received_partial,
        count(*) filter (is_new and service_level = 'other') as received_other,
        count(*) filter (not is_new and (closed_on is null or closed_on >= from_on)) as carried_over,
        count(*) filter (is_resolved) as resolved,
        count(*) filter (is_resolved and closed_on < due_on) as early,
        count(*) filter (is_resolved and (due_on is null or closed_on = due_on)) as on_the_day,
        count(*) filter (is_resolved and closed_on > due_on) as late,
        count(*) filter (is_resolved and due_on is null) as without_due_date,
        count(*) filter (is_resolved and (due_on is null or closed_on <= due_on)) as on_time,
        count(*) filter (is_resolved and has_digitised_components) as digitised,
        count(*) filter (is_resolved and has_electronic_result) as electronic,
        count(*) filter (is_resolved and fee_amount > 0) as with_fee,
        count(*) filter (is_resolved and fee_amount > 0 and paid_online) as with_fee_online,
        coalesce(sum(processing_working_days) filter (is_resolved), 0)::bigint as working_days,
        count(*) filter (bucket = 'withdrawn' and closed_on >= from_on and closed_on <= to_on) as withdrawn,
        count(*) filter (is_open) as open,
        count(*) filter (is_open and (is_paused or due_on is null or due_on >= to_on)) as within_due,
        count(*) filter (is_open and due_on < to_on and not is_paused) as overdue,
        count(*) filter (is_open and is_paused) as paused
    from dossiers
    group by agency, period_type, from_on
) on columns(* exclude (subject, agency, period_type, from_on)) into name measure value amount

union all by name
unpivot (
    select
        'plan_tasks' as subject, agency, period_type, from_on,
        count(*) as assigned,
        count(*) filter (is_done) as done,
        count(*) filter (not is_done) as not_done,
        count(*) filter (not is_done and due_on < to_on) as overdue
    from tasks
    group by agency, period_type, from_on
) on columns(* exclude (subject, agency, period_type, from_on)) into name measure value amount

union all by name
unpivot (
    select
        'payments' as subject, '' as agency, period_type, from_on,
        count(*)::hugeint as paid,
        sum(amount) as paid_amount
    from entry_payments inner join spans_judged on paid_on >= from_on and paid_on <= to_on
    where is_paid
    group by period_type, from_on
) on columns(* exclude (subject, agency, period_type, from_on)) into name measure value amount

union all by name
unpivot (
    select
        'health_lookups' as subject, '' as agency, period_type, from_on,
        count(*) as lookups,
        count(*) filter (document_type = 'CCCD') as by_cccd,
        count(*) filter (result = 'successful') as successful,
        count(*) filter (result = 'successful' or result = 'no_entitlement') as answered
    from entry_health_lookups inner join spans_judged on looked_up_on >= from_on and looked_up_on <= to_on
    group by period_type, from_on
) on columns(* exclude (subject, agency, period_type, from_on)) into name measure value amount

union all by name
unpivot (
    select
        'civil_registrations' as subject, '' as agency, period_type, from_on,
        count(*) filter (event_type = 'birth') as births,
        count(*) filter (event_type = 'birth' and channel = 'online') as births_online,
        count(*) filter (event_type = 'birth' and has_deadline) as births_with_deadline,
        count(*) filter (event_type = 'birth' and has_deadline and is_on_time) as births_on_time,
        count(*) filter (event_type = 'death') as deaths,
        count(*) filter (event_type = 'death' and channel = 'online') as deaths_online,
        count(*) filter (event_type = 'death' and has_deadline) as deaths_with_deadline,
        count(*) filter (event_type = 'death' and has_deadline and is_on_time) as deaths_on_time
    from entry_civil_registrations inner join spans_judged on registered_on >= from_on and registered_on <= to_on
    group by period_type, from_on
) on columns(* exclude (subject, agency, period_type, from_on)) into name measure value amount;

create or replace temp table counts as
select subject, 'agency' as scope_type, agency as scope_code, period_type, from_on, measure, amount
from counts_by_agency
where agency <> ''
union all
select subject, 'province', 'all', period_type, from_on, measure, sum(amount)
from counts_by_agency
group by subject, period_type, from_on, measure;

create or replace temp table figures_of as
select * from (
    values
        ('dossiers_received', 'dossiers', 'received', null),
        ('dossiers_received_online', 'dossiers', 'received_online', null),
        ('dossiers_received_direct', 'dossiers', 'received_direct', null),
        ('dossiers_received_postal', 'dossiers', 'received_postal', null),
        ('dossiers_received_full_process', 'dossiers', 'received_full', null),
        ('dossiers_received_partial_process', 'dossiers', 'received_partial', null),
        ('dossiers_received_other_service', 'dossiers', 'received_other', null),
        ('dossiers_carried_over', 'dossiers', 'carried_over', null),
        ('dossiers_resolved', 'dossiers', 'resolved', null),
        ('dossiers_resolved_early', 'dossiers', 'early', null),
        ('dossiers_resolved_on_due_date', 'dossiers', 'on_the_day', null),
        ('dossiers_resolved_late', 'dossiers', 'late', null),
        ('dossiers_resolved_without_due_date', 'dossiers', 'without_due_date', null),
        ('dossiers_withdrawn', 'dossiers', 'withdrawn', null),
        ('dossiers_in_process', 'dossiers', 'open', null),
        ('dossiers_in_process_within_due', 'dossiers', 'within_due', null),
        ('dossiers_in_process_overdue', 'dossiers', 'overdue', null),
        ('dossiers_in_process_paused', 'dossiers', 'paused', null),
        ('on_time_rate', 'dossiers', 'on_time', 'resolved'),
        ('online_rate', 'dossiers', 'received_online', 'received'),
        ('full_process_rate', 'dossiers', 'received_full', 'received'),
        ('digitised_rate', 'dossiers', 'digitised', 'resolved'),
        ('electronic_result_rate', 'dossiers', 'electronic', 'resolved'),
        ('online_payment_rate', 'dossiers', 'with_fee_online', 'with_fee'),
        ('average_processing_working_days', 'dossiers', 'working_days', 'resolved'),
        ('plan_tasks_assigned', 'plan_tasks', 'assigned', null),
        ('plan_tasks_completed', 'plan_tasks', 'done', null),
        ('plan_tasks_in_progress', 'plan_tasks', 'not_done', null),
        ('plan_tasks_overdue', 'plan_tasks', 'overdue', null),
        ('plan_task_completion_rate', 'plan_tasks', 'done', 'assigned'),
        ('payments_paid', 'payments', 'paid', null),
        ('payments_paid_amount', 'payments', 'paid_amount', null),
        ('health_lookups', 'health_lookups', 'lookups', null),
        ('health_lookups_by_cccd', 'health_lookups', 'by_cccd', null),
        ('health_lookup_success_rate', 'health_lookups', 'successful', 'answered'),
        ('births_registered', 'civil_registrations', 'births', null),
        ('births_registered_online', 'civil_registrations', 'births_online', null),
        ('birth_on_time_rate', 'civil_registrations', 'births_on_time', 'births_with_deadline'),
        ('deaths_registered', 'civil_registrations', 'deaths', null),
        ('deaths_registered_online', 'civil_registrations', 'deaths_online', null),
        ('death_on_time_rate', 'civil_registrations', 'deaths_on_time', 'deaths_with_deadline')
) as listed(kpi_code, subject, numerator_measure, denominator_measure);

-- Every figure of the province and of each agency, published or only counted; a scope without a row counts 0.
create or replace temp table totals as
with wanted as (
    select kpi_code, 'province' as scope_type, 'all' as scope_code, period_type, from_on::date as from_on
    from figures_of cross join spans_judged
    union
    select kpi_code, 'agency', agency, period_type, from_on::date
    from figures_of
    inner join (
        select 'dossiers' as subject, coalesce(agency_code, 'unknown') as agency, min(received_on) as since_on
        from entry_dossiers
        where bucket <> 'not_counted'
        group by agency
        union all
        select distinct subject, agency, from_on::date from counts_by_agency where subject = 'plan_tasks'
    ) using (subject)
    inner join spans_judged on since_on <= to_on
    union
    select kpi_code, scope_type, scope_code, kpi_values.period_type, period_start
    from marts.kpi_values
    semi join figures_of using (kpi_code)
    inner join spans_judged on kpi_values.period_type = spans_judged.period_type and period_start = from_on
    where scope_type in ('province', 'agency')
),

counted as (
    select
        wanted.*, subject, to_on::date as to_on, as_of,
        case when is_known then coalesce(tops.amount, 0) end as numerator,
        case when is_known and denominator_measure is not null then coalesce(bases.amount, 0) end as denominator
    from wanted
    cross join today
    inner join figures_of using (kpi_code)
    inner join sources_known using (subject)
    inner join spans_judged using (period_type, from_on)
    left join counts as tops
        on subject = tops.subject and numerator_measure = tops.measure and wanted.period_type = tops.period_type
        and wanted.from_on = tops.from_on and wanted.scope_type = tops.scope_type and wanted.scope_code = tops.scope_code
    left join counts as bases
        on subject = bases.subject and denominator_measure = bases.measure and wanted.period_type = bases.period_type
        and wanted.from_on = bases.from_on and wanted.scope_type = bases.scope_type and wanted.scope_code = bases.scope_code
)

select
    counted.subject, counted.kpi_code as figure, counted.scope_type, counted.scope_code, counted.period_type,
    counted.from_on as period_start,
    published.value as first_value,
    case when denominator_measure is null then counted.numerator
        when counted.denominator > 0 then counted.numerator::double / counted.denominator end as second_value,
    published.kpi_code is not null
        and published.period_end = counted.to_on
        and published.as_of = counted.as_of
        and published.numerator is not distinct from try_cast(counted.numerator as bigint)
        and published.denominator is not distinct from try_cast(counted.denominator as bigint)
        and first_value is not distinct from second_value as agrees
from counted
inner join figures_of on counted.kpi_code = figures_of.kpi_code
left join marts.kpi_values as published
    on counted.kpi_code = published.kpi_code and counted.scope_type = published.scope_type
    and counted.scope_code = published.scope_code and counted.period_type = published.period_type
    and counted.from_on = published.period_start;
