{{ config(materialized='view') }}
{{ with_dimensions('(' ~ newest_of(ref('history_directives')) ~ ')', {}, {
    'issued_date': 'facts.issued_on',
}) }}
