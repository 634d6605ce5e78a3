{# The rules that look at one row at a time, each as the condition under which a row breaks it: many of them are
   answered in one scan of a table (see rule_results). -#}

{% macro breaks_never_missing(columns) %}
    {%- for column in columns %}{{ column }} is null{{ ' or ' if not loop.last }}{% endfor -%}
{% endmacro %}

{# A missing value is not below zero. -#}
{% macro breaks_never_negative(columns) %}
    {%- for column in columns %}{{ column }} < 0{{ ' or ' if not loop.last }}{% endfor -%}
{% endmacro %}

{# A missing value is in no list and passes. -#}
{% macro breaks_closed_lists(lists) %}
    {%- for column, values in lists.items() -%}
        {{ column }} not in ({% for value in values %}{{ value if value is number else "'" ~ value ~ "'" }}{{ ', ' if not loop.last }}{% endfor %})
        {{- ' or ' if not loop.last }}
    {%- endfor -%}
{% endmacro %}

{# What cannot be decided does not hold. -#}
{% macro breaks_holds(condition) %}not coalesce({{ condition }}, false){% endmacro %}
