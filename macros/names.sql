{# The tables that the definitions read, as refs while building (see published_names for the release). -#}
{% macro built_names() %}
    {{ return({
        'dossier_versions': ref('fct_dossier_versions'), 'supplements': ref('history_supplements'),
        'agencies': ref('history_agencies'), 'dates': ref('dim_date'),
    }) }}
{% endmacro %}

{# The release's as-of day, as an expression. -#}
{% macro as_of() %}(select run.as_of from {{ ref('stg_run') }} as run){% endmacro %}
