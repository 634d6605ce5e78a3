{# Entries of a register as known on a day, with the half-open validity the contract gives them: it ends at
   valid_to or at the code's next valid_from, whichever is first (landing contract, section 3). -#}
{% macro valid_on_register(register, code, columns, as_of) %}
    select
        {{ code }},
        {% for column in columns %}{{ column }}, {% endfor %}
        valid_from,
        least(
            coalesce(valid_to, {{ open_end_day() }}),
            coalesce(lead(valid_from) over (partition by {{ code }} order by valid_from), {{ open_end_day() }})
        ) as valid_to
    from {{ register }}
    where {{ known_on(as_of) }}
{% endmacro %}
