{# Rows for which a condition is not true. -#}
{% test holds(model, condition) %}
    select *
    from {{ model }}
    where {{ breaks_holds(condition) }}
{% endtest %}
