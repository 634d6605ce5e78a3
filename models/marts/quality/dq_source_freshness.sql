select
    sources.source,
    sources.title_vi,
    count(files.source_file) as files_known,
    cast(coalesce(sum(files.rows_accepted), 0) as bigint) as rows_accepted,
    max(files.export_stamp) as newest_export_at,
    {{ days_between(day('max(files.export_stamp)'), as_of()) }} as days_since_newest_export,
    coalesce(sum(files.rows_accepted), 0) = 0 as is_missing
from {{ ref('stg_declared_sources') }} as sources
left join {{ ref('stg_landed_files') }} as files
    on sources.source = files.source and files.status = 'accepted'
group by sources.source, sources.title_vi
