{# Entries of a register as known on a day, with the half-open validity the contract gives them: it ends at
   valid_to or at the code's next valid_from, whichever is first (docs/landing-contract.md 3). -#}
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

{# The first day of a year as a source gives it: one that no calendar has lies before or after every day asked for. -#}
{% macro year_begins(year) %}
    make_date(cast(case when {{ year }} < 1 then 1 when {{ year }} > 9999 then 9999 else {{ year }} end as integer), 1, 1)
{% endmacro %}
