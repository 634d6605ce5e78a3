{# What was known when. One definition of versions for every source and register. -#}

{# The rows of a lake table that were accepted; rejected ones lie beside them with their reason. -#}
{% macro accepted(table) %}(select * from {{ table }} where reject_reason is null) as accepted{% endmacro %}

{# The rows of one export that count: of several rows of one key with one stamp, the last by file name and row
   number (docs/landing-contract.md 4). Only keys that repeat pass through a window. -#}
{% macro last_rows_per_stamp(relation, key) %}
    with repeated as (
        select {{ key | join(', ') }}, export_stamp
        from {{ relation }}
        group by {{ key | join(', ') }}, export_stamp
        having count(*) > 1
    ),

    ranked as (
        select
            rows_.{{ key | join(', rows_.') }}, rows_.export_stamp, rows_.source_file, rows_.row_number,
            row_number() over (
                partition by rows_.{{ key | join(', rows_.') }}, rows_.export_stamp
                order by rows_.source_file desc, rows_.row_number desc
            ) as place
        from {{ relation }} as rows_
        inner join repeated on {{ same_key('rows_', 'repeated', key) }} and rows_.export_stamp = repeated.export_stamp
    )

    select rows_.*
    from {{ relation }} as rows_
    left join ranked
        on {{ same_key('rows_', 'ranked', key) }}
        and rows_.export_stamp = ranked.export_stamp
        and rows_.source_file = ranked.source_file
        and rows_.row_number = ranked.row_number
    where coalesce(ranked.place, 1) = 1
{% endmacro %}

{% macro same_key(left, right, key) -%}
    {% for column in key %}{{ left }}.{{ column }} is not distinct from {{ right }}.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
{%- endmacro %}

{# Runs of the same state, with the half-open interval of export stamps during which each was the newest known.
   `observations` holds at most one row per key and stamp. `last_shown_at` is the newest export that showed the
   state, changed or not. Only keys that were shown more than once pass through a window; `only_version` names a
   column that is true of the others. -#}
{% macro knowledge_versions(observations, key, state, only_version=none) %}
    {% set columns %}
        {{ (key + state) | join(', ') }},
        source_file,
        row_number,
        {% if only_version %}is_shown_once as {{ only_version }},{% endif %}
        export_stamp as known_from
    {% endset %}
    with shown_again as (
        select {{ key | join(', ') }}, true as is_shown_again
        from {{ observations }} as observations
        group by {{ key | join(', ') }}
        having count(*) > 1
    ),

    shown_once as (
        select observations.*, true as is_shown_once
        from {{ observations }} as observations
        left join shown_again on {{ same_key('observations', 'shown_again', key) }}
        where shown_again.is_shown_again is null
    ),

    compared as (
        select
            observations.*,
            false as is_shown_once,
            lag(export_stamp) over keys as previous_stamp,
            max(export_stamp) over (partition by {{ in_relation('observations', key) }}) as newest_stamp,
            lag(export_stamp) over keys is null
            {% for column in state %}
            or {{ column }} is distinct from lag({{ column }}) over keys
            {% endfor %} as is_change
        from {{ observations }} as observations
        inner join shown_again on {{ same_key('observations', 'shown_again', key) }}
        window keys as (partition by {{ in_relation('observations', key) }} order by export_stamp)
    )

    select
        {{ columns }},
        {{ open_end() }} as known_to,
        export_stamp as last_shown_at
    from shown_once
    union all
    select
        {{ columns }},
        coalesce(lead(export_stamp) over keys, {{ open_end() }}) as known_to,
        coalesce(lead(previous_stamp) over keys, newest_stamp) as last_shown_at
    from compared
    where is_change
    window keys as (partition by {{ key | join(', ') }} order by export_stamp)
{% endmacro %}

{% macro in_relation(relation, columns) -%}
    {% for column in columns %}{{ relation }}.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}

{# The versions known at the end of a day. -#}
{% macro known_on(as_of) -%}
    known_from < {{ add_days(as_of, 1) }} and known_to >= {{ add_days(as_of, 1) }}
{%- endmacro %}

{# The versions of every key of a source or register. The key is the declaration's (models/staging/_lake.yml); the
   state is what else the model's properties list. -#}
{% macro history_of(table, relation) %}
    {% if execute %}
        {% set key = graph.sources['source.cchc.lake.' ~ table].config.meta.key %}
        {% if not key %}{{ exceptions.raise_compiler_error('models/staging/_lake.yml says no meta.key of ' ~ table) }}{% endif %}
        {% set of_every_history = ['source_file', 'row_number', 'known_from', 'known_to', 'last_shown_at'] %}
        {% set columns = graph.nodes['model.cchc.history_' ~ table].columns.keys() | list %}
        {% set state = columns | reject('in', key + of_every_history) | list %}
        {{ return(knowledge_versions('(' ~ last_rows_per_stamp(relation, key) ~ ')', key, state)) }}
    {% endif %}
{% endmacro %}

{# The rows as they are known now. -#}
{% macro newest_of(history) %}
    select * {{ excluding(['known_to']) }}
    from {{ history }}
    where known_to = {{ open_end() }}
{% endmacro %}

{# What tells whether anything of a source is known, of rows that bear since when: in the place of its history. -#}
{% macro known_since(column) %}(select {{ column }} as known_from, {{ open_end() }} as known_to){% endmacro %}

{# The rows known at the end of a day, as a relation. -#}
{% macro known(history, as_of) %}(select * from {{ history }} where {{ known_on(as_of) }}){% endmacro %}
