-- A criterion stands under a group of its version, three deep at most; a group's own most points are those below it;
-- what is counted are KPIs of the catalogue and measures that subjects offer to scorecards.
with criteria as (
    select
        own.*,
        parent.method as parent_method,
        parent.max_points as parent_points,
        top.parent_code as too_far_above
    from {{ ref('scorecard_criteria') }} as own
    left join {{ ref('scorecard_criteria') }} as parent
        on own.index_code = parent.index_code and own.version = parent.version
        and own.parent_code = parent.criterion_code
    left join {{ ref('scorecard_criteria') }} as grandparent
        on parent.index_code = grandparent.index_code and parent.version = grandparent.version
        and parent.parent_code = grandparent.criterion_code
    left join {{ ref('scorecard_criteria') }} as top
        on grandparent.index_code = top.index_code and grandparent.version = top.version
        and grandparent.parent_code = top.criterion_code
)

select index_code, version, criterion_code, 'has no group above it' as fault
from criteria
where parent_code is not null and coalesce(parent_method <> 'sum', true)
union all
select index_code, version, criterion_code, 'stands too deep' as fault
from criteria
where too_far_above is not null
union all
select index_code, version, parent_code as criterion_code, 'its criteria make other points' as fault
from criteria
where parent_points is not null
group by index_code, version, parent_code, parent_points
having sum(max_points) <> parent_points
union all
select index_code, version, criterion_code, 'counts what is no figure: ' || kpi_code as fault
from ({{ criterion_terms(ref('scorecard_criteria')) }}) as terms
where
    kpi_code not in (select catalogue.kpi_code from {{ ref('kpi_catalogue') }} as catalogue)
    {% for figure in figures_for_scorecards(figures_of_dossiers()).kpis %}
    and kpi_code <> '{{ figure.code }}'
    {% endfor %}
