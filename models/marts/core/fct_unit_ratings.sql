{{ config(materialized='view') }}
{{ with_dimensions('(' ~ newest_of(ref('history_unit_ratings')) ~ ')', {
    'agency': {'dimension': ref('dim_agency'), 'code': 'agency_code', 'on': 'make_date(cast(least(greatest(facts.year, 1), 9999) as integer), 12, 31)'},
}, {}) }}
