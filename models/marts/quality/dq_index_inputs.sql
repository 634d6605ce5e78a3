-- What is declared in registers/index_inputs and cannot count, or hardly be meant: docs/decisions/0015-scorecards.md.
{% set doubts = {
    'unknown_criterion': 'criterion is null',
    'unknown_agency': 'agency is null and agency_code is not null',
    'negative_number': 'least(coalesce(numerator, 0), coalesce(denominator, 0), coalesce(declared_points, 0)) < 0',
    'more_points_than_most': 'declared_points > max_points',
    'more_than_whole': 'numerator > denominator',
} %}
with criteria as (
    select index_code, criterion_code, max(max_points) as max_points
    from {{ ref('scorecard_criteria') }}
    where method <> 'sum'
    group by index_code, criterion_code
),

agencies as (
    select distinct agency_code from {{ ref('dim_agency') }}
),

declared as (
    select
        inputs.*,
        criteria.criterion_code as criterion,
        criteria.max_points,
        agencies.agency_code as agency
    from ({{ newest_of(ref('history_index_inputs')) }}) as inputs
    left join criteria
        on inputs.index_code = criteria.index_code and inputs.criterion_code = criteria.criterion_code
    left join agencies on inputs.agency_code = agencies.agency_code
)

{% for doubt, condition in doubts.items() %}
select
    index_code,
    criterion_code,
    agency_code,
    period_from,
    period_to,
    '{{ doubt }}' as doubt,
    source_file
from declared
where {{ condition }}
{{ 'union all' if not loop.last }}
{% endfor %}
