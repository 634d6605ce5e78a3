{# How the reform is steered: directives, inspections, trainings, each by its day. -#}

{% macro figures_of_directives(tables, as_of) %}
    {{ return({
        'name': 'directives', 'source': tables.directives, 'entity': 'document_number',
        'rows': 'select document_number, issued_on from ' ~ known(tables.directives, as_of) ~ ' as directives',
        'measures': {'issued': {'on': 'issued_on'}},
        'kpis': [{'code': 'directives_issued', 'numerator': 'issued'}],
    }) }}
{% endmacro %}

{% macro figures_of_inspections(tables, as_of) %}
    {{ return({
        'name': 'inspections', 'source': tables.inspections, 'entity': 'inspection_code',
        'rows': 'select inspection_code, agency_code, inspected_on from ' ~ known(tables.inspections, as_of) ~ ' as inspections',
        'scopes': ['agency', 'level', 'commune'], 'agency_on': 'inspected_on',
        'measures': {'held': {'on': 'inspected_on'}},
        'kpis': [{'code': 'inspections_held', 'numerator': 'held'}],
    }) }}
{% endmacro %}

{% macro figures_of_trainings(tables, as_of) %}
    {{ return({
        'name': 'trainings', 'source': tables.trainings, 'entity': 'training_code',
        'rows': 'select training_code, held_on from ' ~ known(tables.trainings, as_of) ~ ' as trainings',
        'measures': {'held': {'on': 'held_on'}},
        'kpis': [{'code': 'trainings_held', 'numerator': 'held'}],
    }) }}
{% endmacro %}
