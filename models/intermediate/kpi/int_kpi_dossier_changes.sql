-- Days before the first published month fall into one bucket that only the running sums see.
{% set first_month = "(select first_month from " ~ ref('int_kpi_first_month') ~ ")" %}
{{ changes_by_scope(
    figures_of_dossiers('select * from ' ~ ref('int_dossiers_counted')),
    "case when day_ < " ~ first_month ~ " then date '0001-01-01' else cast(date_trunc('month', day_) as date) end",
    as_of()
) }}
