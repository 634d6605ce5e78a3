{# The release's as-of day, as an expression. -#}
{% macro as_of() %}(select run.as_of from {{ ref('stg_run') }} as run){% endmacro %}
