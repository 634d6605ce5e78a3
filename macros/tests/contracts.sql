{# Stops with the columns in which models as built differ from their contracts: by name, kind or place. One statement for
   all models, where dbt asks the engine twice a model before it makes it, a fifth of a small night's build. A kind may
   be declared by any name that the engine knows it by. -#}
{% macro contracts_kept(models) %}
    {% set declared = [] %}
    {% set kinds = [] %}
    {% for id in models if graph.nodes[id].config.contract and graph.nodes[id].config.contract.enforced %}
        {% set node = graph.nodes[id] %}
        {% for column in node.columns.values() %}
            {% do declared.append((node.schema, node.alias, column.name, column.data_type, loop.index)) %}
            {% if column.data_type not in kinds %}{% do kinds.append(column.data_type) %}{% endif %}
        {% endfor %}
    {% endfor %}
    {% if declared %}
        {% set asked %}
            select {% for kind in kinds %}typeof(cast(null as {{ kind }})){{ ', ' if not loop.last }}{% endfor %}
        {% endset %}
        {% set called = dict(zip(kinds, run_query(asked).rows[0].values())) %}
        {% set compared %}
            with declared (table_schema, table_name, column_name, data_type, ordinal_position) as (
                values
                {% for schema, table, column, kind, place in declared %}
                ('{{ schema }}', '{{ table }}', '{{ column }}', '{{ called[kind] }}', {{ place }}){{ ',' if not loop.last }}
                {% endfor %}
            ),

            built as (
                select table_schema, table_name, column_name, data_type, ordinal_position
                from information_schema.columns
                where (table_schema, table_name) in (select (table_schema, table_name) from declared)
            )

            select
                table_schema || '.' || table_name || '.' || column_name,
                coalesce(declared.data_type || ' as column ' || declared.ordinal_position, 'nothing'),
                coalesce(built.data_type || ' as column ' || built.ordinal_position, 'nothing')
            from declared
            full outer join built using (table_schema, table_name, column_name)
            where declared.data_type is distinct from built.data_type
                or declared.ordinal_position is distinct from built.ordinal_position
            order by all
        {% endset %}
        {% set broken = [] %}
        {% for column, promised, found in run_query(compared).rows %}
            {% do broken.append(column ~ ' is declared ' ~ promised ~ ', built ' ~ found) %}
        {% endfor %}
        {% if broken %}
            {{ exceptions.raise_compiler_error('contracts are broken: ' ~ (broken | join('; '))) }}
        {% endif %}
    {% endif %}
{% endmacro %}
