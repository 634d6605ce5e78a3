{{ config(materialized='view') }}
{{ with_dimensions('(' ~ newest_of(ref('history_dossier_events')) ~ ')', {}, {
    'occurred_date': day('facts.occurred_at'),
    'due_date': day('facts.due_at'),
}) }}
