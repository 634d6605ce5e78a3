{# Rows with a value outside its column's closed list, all lists in one scan; a missing value is in none and passes. -#}
{% test closed_lists(model, lists) %}
    select {{ lists.keys() | join(', ') }}
    from {{ model }}
    where
        {% for column, values in lists.items() %}
        {{ column }} not in ({% for value in values %}{{ value if value is number else "'" ~ value ~ "'" }}{{ ', ' if not loop.last }}{% endfor %})
        {{ 'or' if not loop.last }}
        {% endfor %}
{% endtest %}
