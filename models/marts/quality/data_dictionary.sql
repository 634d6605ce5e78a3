-- Every published column with its description, and every landing column with the headers it is accepted under:
-- what the properties and the declared sources say, nothing else.
{{ config(materialized='table') }}
{% set rows = [] %}
{% if execute %}
{% for node in graph.nodes.values() | selectattr('resource_type', 'in', ['model', 'seed']) | sort(attribute='name') %}
{% if node.config.schema in ('marts', 'history') %}
{% for column in node.columns.values() %}
{% do rows.append((node.config.schema, node.alias, column.name, column.data_type, column.description | trim | replace('\n', ' '), column.meta.get('personal', 'none'))) %}
{% endfor %}
{% endif %}
{% endfor %}
{% endif %}
select
    cast(table_schema as varchar) as table_schema,
    cast(table_name as varchar) as table_name,
    cast(column_name as varchar) as column_name,
    cast(data_type as varchar) as data_type,
    cast(description as varchar) as description,
    cast(personal_data_class as varchar) as personal_data_class
from (
    values
    {% for row in rows %}
    ({% for cell in row %}'{{ (cell or '') | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}){{ ',' if not loop.last }}
    {% else %}
    ('', '', '', '', '', '')
    {% endfor %}
) as dictionary (table_schema, table_name, column_name, data_type, description, personal_data_class)
where table_name <> ''
union all
select
    'landing' as table_schema,
    source as table_name,
    column_name,
    kind as data_type,
    'Accepted headers (tên cột được nhận): ' || accepted_headers || case when is_required then '. Required.' else '' end as description,
    personal_data_class
from {{ ref('stg_declared_columns') }}
