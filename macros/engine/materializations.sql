{#- A table or view is made under its own name, where dbt-duckdb makes it under another, renames it and drops what stood
    there: the warehouse is private and new each night, nobody reads it meanwhile, and those statements took a small night
    longer than its SQL. (On another engine the adapter's own materialisations apply.) -#}

{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {%- set made = this.incorporate(type='table') -%}
    {{- drop_relation_if_exists(load_cached_relation(this)) -}}
    {{- run_hooks(pre_hooks) -}}
    {%- call statement('main') -%}
        {{ create_table_as(false, made, sql) }}
    {%- endcall -%}
    {%- do persist_docs(made, model) -%}
    {{- run_hooks(post_hooks) -}}
    {{- adapter.commit() -}}
    {{- return({'relations': [made]}) -}}
{% endmaterialization %}

{% materialization view, adapter='duckdb', supported_languages=['sql'] %}
    {%- set made = this.incorporate(type='view') -%}
    {{- drop_relation_if_exists(load_cached_relation(this)) -}}
    {{- run_hooks(pre_hooks) -}}
    {%- call statement('main') -%}
        {{ get_create_view_as_sql(made, sql) }}
    {%- endcall -%}
    {%- do persist_docs(made, model) -%}
    {{- run_hooks(post_hooks) -}}
    {{- adapter.commit() -}}
    {{- return({'relations': [made]}) -}}
{% endmaterialization %}
