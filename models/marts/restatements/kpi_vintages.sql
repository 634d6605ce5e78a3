-- A figure changes only where a vintage begins; the report days in between repeat it. The id of the release at hand is
-- not known yet.
{% set subject = figures_of_dossiers(portal=known_since('portal_known_from')) %}
{% set key = ['scope_type', 'scope_code', 'period_type', 'period_start'] %}
with vintages as (
    select *
    from {{ ref('int_kpi_dossier_vintages') }}
    where scope_type in ('province', 'agency') and (is_shown or scope_type = 'province')
),

figures as (
    {{ kpi_rows(subject, 'vintages', key + ['begins_on', 'ends_on'], 'begins_on') }}
)

select
    {{ in_relation('figures', ['kpi_code'] + key) }},
    reports.period_end,
    reports.as_of,
    case when reports.as_of < {{ as_of() }} then reports.release_id end as release_id,
    figures.numerator,
    figures.denominator,
    figures.value
from figures
inner join {{ ref('kpi_catalogue') }} as catalogue on figures.kpi_code = catalogue.kpi_code
inner join {{ ref('int_reports') }} as reports
    on {{ same_key('figures', 'reports', ['period_type', 'period_start']) }}
    and figures.begins_on <= reports.as_of and figures.ends_on > reports.as_of
where catalogue.is_headline and reports.as_of <= {{ as_of() }}
