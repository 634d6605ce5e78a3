{#- A table or view is made under its own name, where dbt-duckdb makes it under another, renames it and drops what stood
    there: the warehouse is private and new each night, nobody reads it meanwhile, and those statements took a small night
    longer than its SQL. Whether it keeps its contract is asked of all at once (macros/tests/contracts.sql). (On another
    engine the adapter's own materialisations apply.) -#}
{% macro made_in_place(relation_type, compiled) %}
    {%- set made = this.incorporate(type=relation_type) -%}
    {%- do drop_relation_if_exists(load_cached_relation(this)) -%}
    {%- do run_hooks(pre_hooks) -%}
    {%- call statement('main') -%}
        create {{ relation_type }} {{ made }} as
        {{ compiled }}
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
