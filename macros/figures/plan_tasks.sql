{# Tasks of the yearly reform plan: those assigned in the year of the last day, up to that day. -#}
{% macro figures_of_plan_tasks(tables, as_of) %}
    {% set rows %}
        select
            task_code,
            lead_agency_code as agency_code,
            assigned_on,
            due_on,
            completed_on,
            {{ add_months("cast(date_trunc('year', assigned_on) as date)", 12) }} as next_year_on
        from {{ known(tables.plan_tasks, as_of) }} as tasks
    {% endset %}
    {% set this_year = {'from': 'assigned_on', 'until': 'next_year_on'} %}
    {% set open = 'coalesce(completed_on > period_end, true)' %}
    {{ return({
        'name': 'plan_tasks', 'source': tables.plan_tasks, 'rows': rows, 'entity': 'task_code',
        'scopes': ['agency', 'level', 'commune'], 'agency_on': 'period_end',
        'measures': {
            'assigned': this_year,
            'completed': dict(this_year, when='completed_on <= period_end'),
            'in_progress': dict(this_year, when=open),
            'overdue': dict(this_year, when=open ~ ' and due_on < period_end'),
        },
        'kpis': [
            {'code': 'plan_tasks_assigned', 'numerator': 'assigned'},
            {'code': 'plan_tasks_completed', 'numerator': 'completed'},
            {'code': 'plan_tasks_in_progress', 'numerator': 'in_progress'},
            {'code': 'plan_tasks_overdue', 'numerator': 'overdue'},
            {'code': 'plan_task_completion_rate', 'numerator': 'completed', 'denominator': 'assigned'},
        ],
    }) }}
{% endmacro %}
