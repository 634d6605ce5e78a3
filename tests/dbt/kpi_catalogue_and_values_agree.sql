-- The catalogue describes exactly the KPIs that kpi_values holds.
with held as (
    select distinct kpi_code from {{ ref('kpi_values') }}
)

select coalesce(held.kpi_code, catalogue.kpi_code) as kpi_code
from held
full outer join {{ ref('kpi_catalogue') }} as catalogue on held.kpi_code = catalogue.kpi_code
where held.kpi_code is null or catalogue.kpi_code is null
