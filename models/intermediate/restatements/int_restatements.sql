-- What a dossier adds to a period: nothing unless it was received or closed in it, or in process at its end.
{% set compared = [
    'bucket', 'timeliness', 'is_received', 'is_closed', 'agency_code', 'procedure_code', 'channel', 'service_level',
] %}
{% set key = ['dossier_code', 'period_type', 'period_start'] %}
with placed as (
    select
        *,
        known_from < {{ add_days('first_as_of', 1) }} as is_reported,
        {{ dossier_bucket('period_end') }} as bucket,
        {{ dossier_timeliness('period_end') }} as timeliness,
        is_counted and received_on between period_start and period_end as is_received,
        is_counted and coalesce(closed_on between period_start and period_end, false) as is_closed
    from {{ ref('int_dossier_revisions') }}
    where first_as_of < {{ as_of() }} and known_to >= {{ add_days('first_as_of', 1) }}
),

counting as (
    select *, coalesce(bucket = 'in_process' or is_received or is_closed, false) as is_of_period
    from placed
),

versions as (
    select
        *,
        {% for column in compared %}
        case when is_of_period then {{ column }} end as compared_{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from counting
),

turns as (
    select
        *,
        {% for column in compared %}
        {{ 'or' if not loop.first }} compared_{{ column }} is distinct from lag(compared_{{ column }}) over versions_of
        {% endfor %} as is_turn
    from versions
    window versions_of as (partition by {{ key | join(', ') }} order by known_from)
),

-- The last version that moved something, and whether one since the report reopened the dossier.
since_report as (
    select
        {{ key | join(', ') }},
        max(case when is_turn then known_from end) as known_from,
        max_by(source_file, case when is_turn then known_from end) as source_file,
        max(case when is_reopened then 1 end) = 1 as was_reopened
    from turns
    where not is_reported
    group by {{ key | join(', ') }}
)

select
    after.period_type,
    after.period_start,
    after.period_end,
    after.first_release_id,
    after.first_as_of,
    after.dossier_code,
    before.agency_code as agency_code_before,
    after.agency_code,
    coalesce(before.bucket, 'absent') as bucket_before,
    before.timeliness as timeliness_before,
    after.bucket as bucket_after,
    after.timeliness as timeliness_after,
    case
        when before.dossier_code is null then 'late_arrival'
        when after.is_deleted and not before.is_deleted then 'deleted'
        when after.received_on <> before.received_on then 'received_date_moved'
        when after.due_on is distinct from before.due_on then 'due_date_moved'
        when since_report.was_reopened then 'reopened'
        when after.closed_on is distinct from before.closed_on or after.outcome <> before.outcome
            then case when after.closed_on <= after.shown_open_until then 'completion_backdated' else 'completion_changed' end
        when after.agency_code is distinct from before.agency_code then 'agency_moved'
        else 'other'
    end as reason_code,
    since_report.source_file,
    since_report.known_from
from versions as after
inner join since_report on {{ same_key('after', 'since_report', key) }}
left join versions as before on {{ same_key('after', 'before', key) }} and before.is_reported
where
    after.known_to = {{ open_end() }}
    and (
        {% for column in compared %}
        {{ 'or' if not loop.first }} after.compared_{{ column }} is distinct from before.compared_{{ column }}
        {% endfor %}
    )
