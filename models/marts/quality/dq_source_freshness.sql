with exported as (
    select
        source,
        count(source_file) as files_known,
        sum(rows_accepted) as rows_accepted,
        max(export_stamp) as newest_export_at
    from {{ ref('stg_landed_files') }}
    where status = 'accepted'
    group by source
),

waited as (
    select
        sources.*,
        coalesce(exported.files_known, 0) as files_known,
        cast(coalesce(exported.rows_accepted, 0) as bigint) as rows_accepted,
        exported.newest_export_at,
        {{ days_between(day('exported.newest_export_at'), as_of()) }} as days_since_newest_export,
        coalesce(exported.rows_accepted, 0) = 0 as is_missing,
        case
            when sources.rhythm_unit = 'working_days' then tonight.working_days_so_far - newest.working_days_so_far
            else {{ days_between(day('exported.newest_export_at'), as_of()) }}
        end - sources.rhythm_days as beyond_rhythm
    from {{ ref('stg_declared_sources') }} as sources
    left join exported on sources.source = exported.source
    left join {{ ref('int_calendar') }} as newest on {{ day('exported.newest_export_at') }} = newest.date_day
    left join {{ ref('int_calendar') }} as tonight on tonight.date_day = {{ as_of() }}
)

select
    source,
    title_vi,
    files_known,
    rows_accepted,
    newest_export_at,
    days_since_newest_export,
    is_missing,
    rhythm_days,
    rhythm_unit,
    warns_after_days,
    blocks_after_days,
    cast(case when not is_missing then greatest(beyond_rhythm, 0) end as bigint) as late_by_days,
    case
        when is_missing then 'missing'
        when beyond_rhythm > blocks_after_days then 'overdue'
        when beyond_rhythm > warns_after_days then 'late'
        else 'in_time'
    end as freshness
from waited
