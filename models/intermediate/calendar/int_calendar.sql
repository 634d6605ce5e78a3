with days as (
    {{ day_spine("date '1900-01-01'", "date '2100-12-31'") }}
),

judged as (
    select
        days.date_day,
        coalesce(
            overrides.is_working_day,
            holidays.is_working_day,
            {{ day_of_week('days.date_day') }} <= 5
        ) as is_working_day,
        coalesce(
            overrides.reason,
            holidays.reason,
            case when {{ day_of_week('days.date_day') }} > 5 then 'Cuối tuần' end
        ) as reason
    from days
    left join {{ ref('stg_public_holidays') }} as holidays on days.date_day = holidays.date_day
    left join {{ ref('calendar_overrides') }} as overrides on days.date_day = overrides.date_day
)

select
    date_day,
    cast({{ day_of_week('date_day') }} as integer) as day_of_week,
    is_working_day,
    reason,
    cast(sum(case when is_working_day then 1 else 0 end) over (order by date_day) as integer) as working_days_so_far,
    cast(date_trunc('month', date_day) as date) as month_start,
    cast(date_trunc('quarter', date_day) as date) as quarter_start,
    cast(date_trunc('year', date_day) as date) as year_start,
    cast(extract(year from date_day) as integer) as fiscal_year
from judged
