{# The star: facts carry the key of each dimension's version valid on their business day, and of the calendar's day.
   Neither is ever missing: what no entry is valid for has the unknown member's (docs/decisions/0010-the-star.md). -#}

{# The code under which whatever has none is counted, reserved for it (docs/landing-contract.md 6). -#}
{% macro unknown_code() %}'unknown'{% endmacro %}
{% macro unknown_from() %}date '1900-01-01'{% endmacro %}
{% macro unknown_key() %}{{ surrogate_key([unknown_code(), unknown_from()]) }}{% endmacro %}

{# The calendar's unknown member. -#}
{% macro unknown_day() %}{{ open_end_day() }}{% endmacro %}

{# Rows with keys. `entities` says of each dimension by name its relation, the code that the rows bear and the day on
   which they meet it; a dimension has `<name>_key`, `<name>_code`, `valid_from`, `valid_to`, without overlap. `days` says
   of each key of the calendar its day, which may be missing. -#}
{% macro with_dimensions(rows, entities={}, days={}) %}
    select
        facts.*
        {%- for name, entity in entities.items() %},
        coalesce({{ name }}.{{ name }}_key, {{ unknown_key() }}) as {{ name }}_key
        {%- endfor %}
        {%- for name, day in days.items() %},
        coalesce({{ day }}, {{ unknown_day() }}) as {{ name }}
        {%- endfor %}
    from {{ rows }} as facts
    {% for name, entity in entities.items() %}
    left join {{ entity.dimension }} as {{ name }}
        on coalesce(facts.{{ entity.code }}, {{ unknown_code() }}) = {{ name }}.{{ name }}_code
        and {{ entity.on }} >= {{ name }}.valid_from and {{ entity.on }} < {{ name }}.valid_to
    {% endfor %}
{% endmacro %}

{# Of what rows call a member, by `last_shown_at`, the one that the newest export shows, of several there the last in
   order. Since when a version is known says less: a purge of persons merges versions, and no name may follow from that. -#}
{% macro last_shown(column) -%}
    max_by({{ column }}, {{ struct_of(['last_shown_at', column]) }}) filter (where {{ column }} is not null)
{%- endmacro %}

{# A dimension whose register says no validity: its first version, known since some export, holds for the days before
   it as well. -#}
{% macro from_the_first(dimension, code) %}
    {{- return('(select * ' ~ excluding(['valid_from']) ~ ', case when row_number() over (partition by ' ~ code
        ~ " order by valid_from) > 1 then valid_from else date '0001-01-01' end as valid_from from " ~ dimension ~ ')') }}
{% endmacro %}
