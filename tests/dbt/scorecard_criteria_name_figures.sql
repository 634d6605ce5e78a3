-- Criteria name KPIs of the catalogue, and measures that subjects offer to scorecards.
with named as (
    select index_code, version, criterion_code, {{ each_of('numerator', ' + ') }} as figure
    from {{ ref('scorecard_criteria') }}
    union all
    select index_code, version, criterion_code, {{ each_of('denominator', ' + ') }} as figure
    from {{ ref('scorecard_criteria') }}
)

select *
from named
where
    figure not in (select catalogue.kpi_code from {{ ref('kpi_catalogue') }} as catalogue)
    {% for figure in figures_for_scorecards(figures_of_dossiers()).kpis %}
    and figure <> '{{ figure.code }}'
    {% endfor %}
