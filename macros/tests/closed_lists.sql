{# Rows with a value outside its column's closed list. -#}
{% test closed_lists(model, lists) %}
    select {{ lists.keys() | join(', ') }}
    from {{ model }}
    where {{ breaks_closed_lists(lists) }}
{% endtest %}
