{% set scopes = ['province', 'agency'] %}
with periods as (
    select *
    from {{ ref('int_reported_periods') }}
    where first_as_of < {{ as_of() }}
),

-- The bucket says what is in process; the first two conditions only bound it to ranges that a join can search.
reported as (
    select periods.period_type, periods.period_start, outcomes.agency_code, 1 as dossiers
    from {{ ref('int_dossier_outcomes') }} as outcomes
    inner join periods
        on outcomes.received_on <= periods.period_end
        and coalesce(outcomes.closed_on, {{ open_end_day() }}) > periods.period_end
        and outcomes.known_from < {{ add_days('periods.first_as_of', 1) }}
        and outcomes.known_to >= {{ add_days('periods.first_as_of', 1) }}
    where {{ dossier_bucket('periods.period_end') }} = 'in_process'
),

counted as (
    select *, 'reported' as part from reported
    union all
    select period_type, period_start, agency_code_before as agency_code, -1 as dossiers, 'restated' as part
    from {{ ref('int_restatements') }}
    where bucket_before = 'in_process'
    union all
    select period_type, period_start, agency_code, 1 as dossiers, 'restated' as part
    from {{ ref('int_restatements') }}
    where bucket_after = 'in_process'
),

scoped as (
    select
        period_type,
        period_start,
        {% for scope in scopes %}
        {{ scope_code(scope) }},
        {% endfor %}
        part,
        dossiers
    from counted
)

select
    {{ grouped_scope(scopes) }},
    period_type,
    period_start,
    sum(case when part = 'reported' then dossiers else 0 end) as reported,
    sum(case when part = 'restated' then dossiers else 0 end) as restated
from scoped
{{ grouped_by_scope(scopes, ['period_type', 'period_start']) }}
