{# Rows with any of the columns below zero. -#}
{% test never_negative(model, columns) %}
    select {{ columns | join(', ') }}
    from {{ model }}
    where {{ breaks_never_negative(columns) }}
{% endtest %}
