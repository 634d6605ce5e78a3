{{ config(materialized='view') }}
{% set met_on = 'coalesce(facts.received_on, ' ~ day('facts.submitted_at') ~ ', ' ~ day('facts.known_from') ~ ')' %}
with keyed as (
    {{ with_dimensions(ref('int_dossier_outcomes'), {
        'agency': {'dimension': ref('dim_agency'), 'code': 'agency_code', 'on': met_on},
        'procedure': {'dimension': ref('dim_procedure'), 'code': 'procedure_code', 'on': met_on},
    }, {
        'submitted_date': day('facts.submitted_at'),
        'received_date': 'facts.received_on',
        'due_date': 'facts.due_on',
        'closed_date': 'facts.closed_on',
    }) }}
)

select
    {{ surrogate_key(['dossier_code', 'known_from']) }} as dossier_version_key,
    keyed.*
from keyed
