{# Rows that lack any of the columns. -#}
{% test never_missing(model, columns) %}
    select {{ columns | join(', ') }}
    from {{ model }}
    where {{ breaks_never_missing(columns) }}
{% endtest %}
