select date_day
from {{ source('marts', 'dim_date') }}
where date_day between (select min(period_start) from {{ source('marts', 'kpi_values') }}) and {{ release_as_of() }}
