{# What every generic test says of the models just built, one statement a model: a night has no time for a node a
   test (docs/decisions/0008-one-statement-of-tests-a-model.md). Rules that look at one row at a time share one
   scan. Table quality.rule_results: the test's unique id, how many rows break it; of a
   build in which a model failed nothing, for that alone is to be told. -#}
{% macro rule_results(results) %}
    {% set broken = results | selectattr('status', 'in', ['error', 'skipped']) | list %}
    {% set built = var('standing', []) %}
    {% set built = built + results | selectattr('status', 'equalto', 'success') | map(attribute='node.unique_id') | list %}
    {% if execute and flags.WHICH in ('build', 'run') and not broken %}
        {% do contracts_kept(built) %}
    {% endif %}
    {% if execute and flags.WHICH == 'build' and not flags.EMPTY and not broken %}
        {% do answer_rules(built) %}
    {% endif %}
{% endmacro %}

{# The rules of some models, by unique id. -#}
{% macro answer_rules(models) %}
    {% set rules = {} %}
    {% for node in graph.nodes.values() if node.resource_type == 'test' and node.test_metadata and node.attached_node in models %}
        {% do rules.setdefault(node.attached_node, []).append(node) %}
    {% endfor %}
    {% do run_query('create schema if not exists quality') %}
    {% do run_query('drop table if exists quality.rule_results') %}
    {% do run_query(
        'create table quality.rule_results (rule_id ' ~ dbt.type_string() ~ ', failures ' ~ dbt.type_bigint() ~ ')'
    ) %}
    {% for model, rules_of_it in rules.items() %}
        {% do run_query('insert into quality.rule_results ' ~ rules_of_model(graph.nodes[model], rules_of_it)) %}
    {% endfor %}
{% endmacro %}

{# (rule_id, failures) of one model's rules. -#}
{% macro rules_of_model(node, rules) %}
    {% set relation = built_relation(node) %}
    {% set by_row = [] %}
    {% set by_query = [] %}
    {% for rule in rules %}
        {% set arguments = {} %}
        {% for name, value in rule.test_metadata.kwargs.items() if name != 'model' %}
            {% do arguments.update(value if name == 'arguments' else {name: value}) %}
        {% endfor %}
        {% if 'to' in arguments %}
            {% set parents = rule.depends_on.nodes | reject('equalto', node.unique_id) | list %}
            {% do arguments.update({'to': built_relation(graph.nodes[parents[0]] if parents else node)}) %}
        {% endif %}
        {% set kind = rule.test_metadata.name %}
        {% set where = rule.config.where %}
        {% if 'breaks_' ~ kind in context and not where %}
            {% do by_row.append((rule.unique_id, context['breaks_' ~ kind](**arguments))) %}
        {% else %}
            {% set rows = '(select * from ' ~ relation ~ ' where ' ~ where ~ ') as filtered' if where else relation %}
            {% do by_query.append((rule.unique_id, context['test_' ~ kind](model=rows, **arguments))) %}
        {% endif %}
    {% endfor %}
    {% if by_row %}
    with row_rules as (
        select
            {% for id, condition in by_row %}
            count(case when {{ condition }} then 1 end) as rule_{{ loop.index }}{{ ',' if not loop.last }}
            {% endfor %}
        from {{ relation }}
    )
    {% endif %}
    {% for id, _ in by_row %}
    select '{{ id }}' as rule_id, rule_{{ loop.index }} as failures from row_rules
    {{ 'union all' if by_query or not loop.last }}
    {% endfor %}
    {% for id, query in by_query %}
    select '{{ id }}' as rule_id, count(*) as failures from ({{ query }}) as broken_{{ loop.index }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}

{% macro built_relation(node) %}
    {{ return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) }}
{% endmacro %}
