{# The definitions, published inside cchc.duckdb as table macros: what `cchc kpi`, `cchc explain` and analysts
   call for odd periods and past days. They name tables as `marts.x`, without a catalog. -#}

{% macro published_names() %}
    {{ return({
        'dossier_versions': 'marts.fct_dossier_versions', 'supplements': 'history.supplements',
        'agencies': 'history.agencies', 'dates': 'marts.dim_date',
    }) }}
{% endmacro %}

{# The statement that makes each of them. -#}
{% macro published_macros() %}
    {% set known = dossiers_known_on(published_names(), 'as_of_on', 'convention') %}
    {% set states %}
        select *, {{ dossier_bucket('as_of_on') }} as bucket, {{ dossier_timeliness('as_of_on') }} as timeliness
        from ({{ known }}) as known
    {% endset %}
    {% set is_known = 'exists (select 1 from marts.fct_dossier_versions where ' ~ known_on('as_of_on') ~ ')' %}
    {{ return({
        'dossiers_as_of': ['as_of_on', states],
        'kpis': ['from_on, to_on, as_of_on', kpis_of_period(dossier_subject(), known, 'from_on', 'to_on', is_known)],
        'rows_behind': ['from_on, to_on, as_of_on', rows_behind(dossier_subject(), known, 'from_on', 'to_on')],
    }) }}
{% endmacro %}
