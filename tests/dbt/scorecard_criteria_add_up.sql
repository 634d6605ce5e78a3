-- A criterion stands under a group of its version, three deep at most; a group's own most points are those below it.
with criteria as (
    select * from {{ ref('scorecard_criteria') }}
),

above as (
    select
        own.index_code, own.version, own.criterion_code, own.parent_code, own.method,
        parent.method as parent_method, parent.max_points as parent_points, own.max_points,
        top.parent_code as far_above
    from criteria as own
    left join criteria as parent
        on own.index_code = parent.index_code and own.version = parent.version
        and own.parent_code = parent.criterion_code
    left join criteria as grandparent
        on parent.index_code = grandparent.index_code and parent.version = grandparent.version
        and parent.parent_code = grandparent.criterion_code
    left join criteria as top
        on grandparent.index_code = top.index_code and grandparent.version = top.version
        and grandparent.parent_code = top.criterion_code
)

select index_code, version, criterion_code, 'has no group above it' as fault
from above
where parent_code is not null and coalesce(parent_method <> 'sum', true)
union all
select index_code, version, criterion_code, 'stands too deep' as fault
from above
where far_above is not null
union all
select index_code, version, parent_code, 'its criteria make other points' as fault
from above
where parent_points is not null
group by index_code, version, parent_code, parent_points
having sum(max_points) <> parent_points
