-- Reported before as of an earlier day: the first report is the first that was published, whatever its day; a release
-- made later for an earlier day is not.
select
    period_type,
    period_start,
    period_end,
    min_by(release_id, number) as first_release_id,
    min_by(as_of, number) as first_as_of,
    min(as_of) as earliest_as_of
from {{ ref('int_reports') }}
group by period_type, period_start, period_end
having min(as_of) < {{ as_of() }}
