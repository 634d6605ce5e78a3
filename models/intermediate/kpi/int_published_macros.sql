-- The text of the macros that publication creates inside the release.
{% for name, (parameters, body) in published_macros().items() %}
select
    '{{ name }}' as macro_name,
    'create macro marts.{{ name }}({{ parameters | replace("'", "''") }}) as table ('
    || '{{ body | replace("'", "''") }})' as statement
{{ 'union all' if not loop.last }}
{% endfor %}
