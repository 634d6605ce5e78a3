{# Schemas are named by layer alone: `marts`, not `main_marts`. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}

{# In schema `history` a model's name would only repeat the schema's: `history.payments`. -#}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {%- set is_history = node.resource_type == 'model' and node.config.schema == 'history' -%}
    {{ custom_alias_name or (node.name | replace('history_', '', 1) if is_history else node.name) }}
{%- endmacro %}
