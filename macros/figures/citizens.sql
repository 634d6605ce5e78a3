{# What citizens and businesses say: petitions by the day received, satisfaction by the day of the survey. -#}

{# On time without a due day: never. An answer after the last day was not there on it. -#}
{% macro figures_of_petitions(tables, as_of) %}
    {% set rows %}
        select petition_code, agency_code, received_on, due_on, answered_on
        from {{ known(tables.petitions, as_of) }} as petitions
    {% endset %}
    {{ return({
        'name': 'petitions', 'source': tables.petitions, 'rows': rows, 'entity': 'petition_code',
        'scopes': ['agency', 'level', 'commune'], 'agency_on': 'received_on',
        'measures': {
            'received': {'on': 'received_on'},
            'answered_on_time': {'on': 'received_on', 'when': 'answered_on <= due_on and answered_on <= period_end'},
        },
        'kpis': [
            {'code': 'petitions_received', 'numerator': 'received'},
            {'code': 'petitions_answered_on_time', 'numerator': 'answered_on_time'},
        ],
    }) }}
{% endmacro %}

{% macro figures_of_satisfaction(tables, as_of) %}
    {% set rows %}
        select agency_code || '|' || surveyed_on as survey, agency_code, surveyed_on, respondents, satisfied_count
        from {{ known(tables.satisfaction, as_of) }} as surveys
    {% endset %}
    {{ return({
        'name': 'satisfaction', 'source': tables.satisfaction, 'rows': rows, 'entity': 'survey',
        'scopes': ['agency', 'level', 'commune'], 'agency_on': 'surveyed_on',
        'measures': {
            'satisfied': {'on': 'surveyed_on', 'amount': 'satisfied_count'},
            'respondents': {'on': 'surveyed_on', 'amount': 'respondents'},
        },
        'kpis': [{'code': 'satisfaction_rate', 'numerator': 'satisfied', 'denominator': 'respondents'}],
    }) }}
{% endmacro %}
