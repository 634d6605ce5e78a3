{# The definitions, published inside cchc.duckdb as table macros: what `cchc kpi`, `cchc explain` and analysts
   call for odd periods and past days. They name tables without a catalog, for the file may be opened anywhere. -#}

{# The statement that makes each of them. -#}
{% macro published_macros() %}
    {% set tables = {} %}
    {% for name, table in figure_tables().items() %}
        {% do tables.update({name: table.include(database=false)}) %}
    {% endfor %}
    {% set known_dossiers = dossiers_known_on(tables, 'as_of_on', 'convention') %}
    {% set states %}
        select *, {{ dossier_bucket('as_of_on') }} as bucket, {{ dossier_timeliness('as_of_on') }} as timeliness
        from ({{ known_dossiers }}) as known_dossiers
    {% endset %}
    {% set subjects = [figures_of_dossiers(known_dossiers, tables.dossier_versions, tables.portal_dossiers)] + subjects_besides_dossiers(tables, 'as_of_on') %}
    {% set period = "select 'custom' as period_type, from_on as period_start, to_on as period_end" %}
    {% set kpis %}
        select kpi_code, scope_type, scope_code, numerator, denominator, value
        from ({{ kpis_by_period(subjects, tables, period, 'as_of_on') }}) as figures
    {% endset %}
    {% set scored = [] %}
    {% for subject in subjects %}
        {% do scored.append(figures_for_scorecards(subject, subject.kpis)) %}
    {% endfor %}
    {% set running = "select 'custom' as period_type, from_on as period_start, to_on as period_end, "
        ~ "case when to_on = as_of_on then " ~ open_end_day() ~ " else to_on end as runs_to" %}
    {% set scores = scorecards(
        ref('scorecard_criteria').include(database=false),
        known(ref('history_index_inputs').include(database=false), 'as_of_on'),
        'select * from (' ~ kpis_by_period(scored, tables, period, 'as_of_on') ~ ') as every_figure', running,
    ) %}
    {% set in_period = "from_on, to_on, as_of_on, convention := 'separate'" %}
    {{ return({
        'agencies_as_of': ['as_of_on', valid_on_register(tables.agencies, 'agency_code', ['agency_name', 'level'], 'as_of_on')],
        'changes_behind': ["as_of_on, convention := 'separate'", changes_behind(subjects, 'as_of_on')],
        'dossier_changes': ['dossier, as_of_on', dossier_changes('dossier', tables.dossier_versions, 'as_of_on')],
        'dossier_counted': ['dossier, as_of_on', dossier_counted('dossier', tables.dossier_versions, 'as_of_on')],
        'dossiers_as_of': ["as_of_on, convention := 'separate'", states],
        'kpis': [in_period, kpis],
        'points_lost_through': [in_period, points_lost_through('(' ~ scores ~ ')')],
        'procedures_as_of': ['as_of_on', valid_on_register(tables.procedures, 'procedure_code', ['procedure_name', 'level'], 'as_of_on')],
        'rows_behind': [in_period, rows_behind(subjects, tables, period, 'as_of_on')],
        'scores': [in_period, scores],
    }) }}
{% endmacro %}
