with dossiers as (
    {{ kpi_rows(
        dossier_subject(), ref('int_kpi_dossier_periods'),
        ['scope_type', 'scope_code', 'period_type', 'period_start', 'period_end']
    ) }}
)

select
    kpi_code,
    scope_type,
    scope_code,
    period_type,
    period_start,
    period_end,
    {{ as_of() }} as as_of,
    numerator,
    denominator,
    value
from dossiers
