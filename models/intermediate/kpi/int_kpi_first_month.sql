-- Periods start with the earliest day received, not before 2010 (docs/published-interface.md 3, kpi_values).
select cast(date_trunc('month', greatest(min(received_on), date '2010-01-01')) as date) as first_month
from {{ ref('int_dossiers_counted') }}
