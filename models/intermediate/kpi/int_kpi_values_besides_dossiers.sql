{% set tables = figure_tables() %}
{{ kpis_by_period(
    subjects_besides_dossiers(tables, as_of()), tables,
    'select period_type, period_start, period_end from ' ~ ref('int_kpi_periods'), as_of(),
) }}
