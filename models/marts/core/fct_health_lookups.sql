{{ config(materialized='view') }}
{{ with_dimensions('(' ~ newest_of(ref('history_health_lookups')) ~ ')', {
    'facility': {'dimension': from_the_first(ref('dim_health_facility'), 'facility_code'), 'code': 'facility_code', 'on': day('facts.looked_up_at')},
}, {
    'looked_up_date': day('facts.looked_up_at'),
}) }}
