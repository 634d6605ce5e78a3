{{ config(materialized='view') }}
select *
from {{ ref('int_calendar') }}
union all
-- The unknown member: what has no day.
select
    {{ unknown_day() }} as date_day, 5 as day_of_week, false as is_working_day, 'Không có ngày' as reason,
    0 as working_days_so_far, date '9999-12-01' as month_start, date '9999-10-01' as quarter_start,
    date '9999-01-01' as year_start, 9999 as fiscal_year
