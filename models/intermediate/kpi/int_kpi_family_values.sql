{{ family_kpis(built_names(history_tables()), 'select period_type, period_start, period_end from ' ~ ref('int_kpi_periods'), as_of()) }}
