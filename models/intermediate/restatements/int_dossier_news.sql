-- A dossier's figures change with its versions, its requests for supplement, its place in the portal's copy, and with
-- what the register says of its agency on the day received. What was known by the first report, or of dossiers received
-- after the periods reported till then, moves no figure reported.
with days as (
    select as_of as seen_on, lag(as_of) over (order by as_of) as former_on
    from (select distinct as_of from {{ ref('int_reports') }} where as_of <= {{ as_of() }}) as report_days
),

reports as (
    select days.seen_on, days.former_on, max(periods.period_end) as last_period_end
    from days
    inner join {{ ref('int_reported_periods') }} as periods on days.seen_on > periods.earliest_as_of
    group by days.seen_on, days.former_on
),

-- Before anything is known of the portal's copy no figure is made of it.
since as (
    select
        (select {{ add_days('min(reports.former_on)', 1) }} from reports) as began_on,
        {{ add_days(day('min(known_from)'), 1) }} as portal_began_on
    from {{ ref('history_portal_dossiers') }}
),

copies as (
    select *, lag(not is_deleted) over (partition by dossier_code order by known_from) as was_held
    from {{ ref('history_portal_dossiers') }}
    where dossier_code in (
        select portal.dossier_code
        from {{ ref('history_portal_dossiers') }} as portal
        where portal.known_from >= (select greatest(began_on, portal_began_on) from since)
    )
),

told as (
    select dossier_code, {{ day('known_from') }} as known_on
    from {{ ref('int_dossier_outcomes') }}
    where known_from >= (select began_on from since)
    union
    select dossier_code, {{ day('known_from') }} as known_on
    from {{ ref('history_supplements') }}
    where known_from >= (select began_on from since)
    union
    select dossier_code, {{ day('known_from') }} as known_on
    from copies
    where
        known_from >= (select greatest(began_on, portal_began_on) from since)
        and coalesce(was_held, false) = is_deleted
),

register_moments as (
    select distinct
        reports.seen_on,
        reports.former_on,
        reports.last_period_end,
        moments.is_after,
        case when moments.is_after then reports.seen_on else reports.former_on end as known_on
    from {{ ref('history_agencies') }} as register
    inner join reports
        on register.known_from >= {{ add_days('reports.former_on', 1) }}
        and register.known_from < {{ add_days('reports.seen_on', 1) }}
    cross join (select true as is_after union all select false as is_after) as moments
),

entries as (
    select moments.seen_on, moments.is_after, entry.*
    from register_moments as moments
    cross join lateral (
        {{ valid_on_register(ref('history_agencies'), 'agency_code', ['level', 'commune_code'], 'moments.known_on') }}
    ) as entry
),

receipts as (
    select distinct agency_code, received_on
    from {{ ref('int_dossier_outcomes') }}
    where is_counted and exists (select 1 from register_moments)
),

placed as (
    select
        receipts.agency_code,
        receipts.received_on,
        moments.seen_on,
        moments.former_on,
        moments.last_period_end,
        moments.is_after,
        entries.level,
        entries.commune_code
    from receipts
    inner join register_moments as moments on receipts.received_on <= moments.last_period_end
    left join entries
        on receipts.agency_code = entries.agency_code
        and moments.seen_on = entries.seen_on and moments.is_after = entries.is_after
        and receipts.received_on >= entries.valid_from and receipts.received_on < entries.valid_to
),

replaced as (
    select after.agency_code, after.received_on, after.seen_on, after.former_on, after.last_period_end
    from placed as after
    inner join placed as before
        on after.agency_code = before.agency_code and after.received_on = before.received_on
        and after.seen_on = before.seen_on
    where
        after.is_after and not before.is_after
        and (after.level is distinct from before.level or after.commune_code is distinct from before.commune_code)
),

report_of as (
    select told_on.known_on, reports.*
    from (select distinct told.known_on from told) as told_on
    inner join reports on told_on.known_on > reports.former_on and told_on.known_on <= reports.seen_on
),

news as (
    select told.dossier_code, report_of.seen_on, report_of.former_on, report_of.last_period_end
    from told
    inner join report_of on told.known_on = report_of.known_on
    union
    select outcomes.dossier_code, replaced.seen_on, replaced.former_on, replaced.last_period_end
    from {{ ref('int_dossier_outcomes') }} as outcomes
    inner join replaced
        on outcomes.agency_code = replaced.agency_code and outcomes.received_on = replaced.received_on
),

received as (
    select outcomes.dossier_code, min(outcomes.received_on) as received_on
    from {{ ref('int_dossier_outcomes') }} as outcomes
    where outcomes.dossier_code in (select news.dossier_code from news)
    group by outcomes.dossier_code
)

select news.dossier_code, news.seen_on, news.former_on
from news
inner join received on news.dossier_code = received.dossier_code
where received.received_on <= news.last_period_end
