{# Subjects besides dossiers of which something became known after one of some days, each with those of the days: SQL with
   one column `known_on`. Looked up while the project is built, so that a subject without news costs nothing. A subject
   reads the tables that its SQL names, and the register of agencies where it takes an agency's level from there. -#}
{% macro subjects_with_news(tables, days, as_of) %}
    {% set found, questions = {}, [] %}
    {% for subject in subjects_besides_dossiers(tables, as_of) %}
        {% set newest = [] %}
        {% for name, table in tables.items() if table | string in subject.rows or name == 'agencies' and subject.agency_on %}
            {% do newest.append('select max(known_from) as known_from from ' ~ table) %}
        {% endfor %}
        {% set with_news %}
            select known_on
            from ({{ days }}) as all_days
            where known_on < (select {{ day('max(known_from)') }} from ({{ newest | join(' union all ') }}) as newest)
        {% endset %}
        {% do found.update({subject.name: (subject, with_news)}) %}
        {% do questions.append("select '" ~ subject.name ~ "' where exists (" ~ with_news ~ ")") %}
    {% endfor %}
    {% set names = run_query(questions | join(' union all ')).columns[0].values() if execute else [] %}
    {% set with_news = [] %}
    {% for name in found if name in names %}
        {% do with_news.append(found[name]) %}
    {% endfor %}
    {{ return(with_news) }}
{% endmacro %}
