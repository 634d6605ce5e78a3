-- Only a dossier of which something became known after a period's report can move it, so nothing else is looked at.
{% set tables = {
    'dates': ref('int_calendar'), 'supplements': ref('history_supplements'), 'agencies': ref('history_agencies'),
} %}
with periods as (
    select * from {{ ref('int_reported_periods') }}
),

moved as (
    select
        dossier_code,
        min(received_on) as first_received_on,
        max(coalesce(closed_on, {{ open_end_day() }})) as last_closed_on,
        max(known_from) as moved_at
    from {{ ref('int_dossier_outcomes') }}
    where dossier_code in (
        select outcomes.dossier_code
        from {{ ref('int_dossier_outcomes') }} as outcomes
        where outcomes.known_from >= (select {{ add_days('min(periods.earliest_as_of)', 1) }} from periods)
    )
    group by dossier_code
),

moved_periods as (
    select moved.dossier_code, periods.*
    from moved
    inner join periods
        on moved.moved_at >= {{ add_days('periods.earliest_as_of', 1) }}
        and moved.first_received_on <= periods.period_end
        and moved.last_closed_on >= periods.period_start
),

versions as (
    select *
    from {{ ref('int_dossier_outcomes') }}
    where dossier_code in (select moved_periods.dossier_code from moved_periods)
),

compared as (
    {{ dossier_versions_compared('versions') }}
),

measured as (
    with all_versions as (
        select * from versions
    )

    {{ dossiers_measured('all_versions', ['dossier_code', 'known_from'], tables, as_of(), "'separate'") }}
)

select
    measured.*,
    {{ day('compared.last_shown_open_before') }} as shown_open_until,
    coalesce(compared.is_reopened, false) as is_reopened,
    moved_periods.* {{ excluding(['dossier_code']) }}
from measured
inner join moved_periods
    on measured.dossier_code = moved_periods.dossier_code
    and measured.known_to >= {{ add_days('moved_periods.earliest_as_of', 1) }}
left join (select *, {{ dossier_is_reopened() }} as is_reopened from compared) as compared
    on measured.dossier_code = compared.dossier_code and measured.known_from = compared.known_from
