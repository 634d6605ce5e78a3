{#- A table or view is made under its own name, where dbt-duckdb makes it under another, renames it and drops what stood
    there: the warehouse is private and new each night, nobody reads it meanwhile, and those statements took a small night
    longer than its SQL. (On another engine the adapter's own materialisations apply.) -#}
{% macro made_in_place(relation_type, compiled) %}
    {%- set made = this.incorporate(type=relation_type) -%}
    {%- do drop_relation_if_exists(load_cached_relation(this)) -%}
    {%- do run_hooks(pre_hooks) -%}
    {%- call statement('main') -%}
        {%- if relation_type == 'table' -%}
            {{ create_table_as(false, made, compiled) }}
        {%- else -%}
            {{ get_create_view_as_sql(made, compiled) }}
        {%- endif -%}
    {%- endcall -%}
    {%- do persist_docs(made, model) -%}
    {%- do run_hooks(post_hooks) -%}
    {%- do adapter.commit() -%}
    {{- return({'relations': [made]}) -}}
{% endmacro %}

{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {{- return(made_in_place('table', sql)) -}}
{% endmaterialization %}

{% materialization view, adapter='duckdb', supported_languages=['sql'] %}
    {{- return(made_in_place('view', sql)) -}}
{% endmaterialization %}
