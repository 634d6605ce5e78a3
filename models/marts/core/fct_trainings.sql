{{ config(materialized='view') }}
{{ with_dimensions('(' ~ newest_of(ref('history_trainings')) ~ ')', {}, {
    'held_date': 'facts.held_on',
}) }}
