{# The definitions, published inside cchc.duckdb as table macros: what `cchc kpi`, `cchc explain` and analysts
   call for odd periods and past days. They name tables as `marts.x`, without a catalog. -#}

{% macro published_names() %}
    {% set names = {'dossier_versions': 'marts.fct_dossier_versions', 'dates': 'marts.dim_date'} %}
    {% for table in history_tables() %}
        {% do names.update({table: 'history.' ~ table}) %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}

{# The statement that makes each of them. -#}
{% macro published_macros() %}
    {% set known = dossiers_known_on(published_names(), 'as_of_on', 'convention') %}
    {% set states %}
        select *, {{ dossier_bucket('as_of_on') }} as bucket, {{ dossier_timeliness('as_of_on') }} as timeliness
        from ({{ known }}) as known
    {% endset %}
    {% set is_known = 'exists (select 1 from marts.fct_dossier_versions where ' ~ known_on('as_of_on') ~ ')' %}
    {% set period = "select 'custom' as period_type, from_on as period_start, to_on as period_end" %}
    {% set subject = dossier_subject() %}
    {% set kpis %}
        select kpi_code, scope_type, scope_code, numerator, denominator, value
        from ({{ kpis_of_period(subject, known, 'from_on', 'to_on', is_known) }}) as dossiers
        union all
        select kpi_code, scope_type, scope_code, numerator, denominator, value
        from ({{ family_kpis(published_names(), period, 'as_of_on') }}) as others
    {% endset %}
    {% set behind %}
        select * from ({{ rows_behind(subject, known, 'from_on', 'to_on') }}) as dossiers
        union all
        select * from ({{ family_rows_behind(published_names(), period, 'as_of_on', subject.scopes.keys() | list) }}) as others
    {% endset %}
    {{ return({
        'dossiers_as_of': ['as_of_on', states],
        'kpis': ['from_on, to_on, as_of_on', kpis],
        'rows_behind': ['from_on, to_on, as_of_on', behind],
    }) }}
{% endmacro %}
