{# Rows for which a condition is not true; one that cannot be decided does not hold. -#}
{% test holds(model, condition) %}
    select *
    from {{ model }}
    where not coalesce({{ condition }}, false)
{% endtest %}
