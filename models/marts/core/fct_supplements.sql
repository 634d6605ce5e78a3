{{ config(materialized='view') }}
{{ with_dimensions('(' ~ newest_of(ref('history_supplements')) ~ ')', {}, {
    'requested_date': day('facts.requested_at'),
    'resumed_date': day('facts.resumed_at'),
}) }}
