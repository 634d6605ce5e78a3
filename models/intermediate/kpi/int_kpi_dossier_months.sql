{% set subject = figures_of_dossiers() %}
with changes as (
    select * from {{ ref('int_kpi_dossier_changes') }}
),

scopes as (
    select scope_type, scope_code, min(bucket) as first_bucket
    from changes
    group by scope_type, scope_code
),

months as (
    select cast({{ month_spine('first_month', as_of()) }} as date) as bucket
    from {{ ref('int_kpi_first_month') }}
    where first_month is not null
),

grid as (
    select scopes.scope_type, scopes.scope_code, months.bucket
    from scopes
    inner join months on months.bucket >= scopes.first_bucket
    union all
    select scope_type, scope_code, first_bucket
    from scopes
    where first_bucket = date '0001-01-01'
),

filled as (
    select
        grid.*,
        {% for name in subject.measures %}
        coalesce(changes.{{ name }}, 0) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from grid
    left join changes
        on grid.scope_type = changes.scope_type
        and grid.scope_code = changes.scope_code
        and grid.bucket = changes.bucket
),

running as (
    select
        scope_type,
        scope_code,
        bucket,
        {% for name, measure in subject.measures.items() %}
        {% if measure.on %}
        {{ name }}{{ ',' if not loop.last }}
        {% else %}
        sum({{ name }}) over scope_months - {{ name }} as opening_{{ name }},
        sum({{ name }}) over scope_months as closing_{{ name }}{{ ',' if not loop.last }}
        {% endif %}
        {% endfor %}
    from filled
    window scope_months as (partition by scope_type, scope_code order by bucket)
)

select *
from running
where bucket <> date '0001-01-01'
