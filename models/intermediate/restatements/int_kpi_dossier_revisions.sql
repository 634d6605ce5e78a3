-- Each report day takes away the dossiers of which something became known since the report day before, as they were
-- known then, and adds them as known now.
{% set news %}
    (
        select distinct seen_on, seen_on as known_on, 1 as sign from {{ ref('int_dossier_news') }}
        union all
        select distinct seen_on, former_on as known_on, -1 as sign from {{ ref('int_dossier_news') }}
    )
{% endset %}
{% set told = {
    'dossier_versions': ref('int_dossier_outcomes'),
    'supplements': ref('history_supplements'),
    'portal_dossiers': ref('history_portal_dossiers'),
} %}
{% set tables = {'dates': ref('int_calendar'), 'agencies': ref('history_agencies')} %}
{% for name in told %}
    {% set of_moment = name ~ '_told as told where told.seen_on = moments.seen_on' %}
    {% do tables.update({name: '(select * ' ~ excluding(['seen_on']) ~ ' from ' ~ of_moment ~ ')'}) %}
{% endfor %}
{% set known_dossiers = dossiers_known_on(tables, 'moments.known_on', "'separate'") %}
{% set rows %}
    select moments.seen_on, moments.sign, states.*
    from {{ news }} as moments
    cross join lateral ({{ known_dossiers }}) as states
{% endset %}
{% set subject = figures_of_dossiers(rows) %}
{% set last_end = '(select max(period_end) from ' ~ ref('int_reported_periods') ~ ')' %}
-- What is looked at is picked first: planned together, every version would meet every report day.
with
{% for name, table in told.items() %}
{{ name }}_told as {{ made_first() }} (
    select news.seen_on, told.*
    from {{ table }} as told
    inner join {{ ref('int_dossier_news') }} as news on told.dossier_code = news.dossier_code
    where
        told.known_from < {{ add_days('news.seen_on', 1) }}
        and told.known_to >= {{ add_days('news.former_on', 1) }}
),

{% endfor %}
changes as (
    {{ changes_by_scope(subject, "cast(date_trunc('month', day_) as date)", last_end, ['seen_on'], 'sign') }}
),

revisions as (
    select
        changes.scope_type,
        changes.scope_code,
        periods.period_type,
        periods.period_start,
        changes.seen_on,
        {% for name, measure in subject.measures.items() %}
        {% if measure.on %}
        sum(case when changes.bucket >= periods.period_start then changes.{{ name }} else 0 end) as {{ name }}{{ ',' if not loop.last }}
        {% else %}
        sum(case when changes.bucket < periods.period_start then changes.{{ name }} else 0 end) as opening_{{ name }},
        sum(changes.{{ name }}) as closing_{{ name }}{{ ',' if not loop.last }}
        {% endif %}
        {% endfor %}
    from changes
    inner join {{ ref('int_reported_periods') }} as periods
        on changes.seen_on > periods.earliest_as_of and changes.bucket <= periods.period_end
    group by 1, 2, 3, 4, 5
)

select *
from revisions
where
    {% for name, measure in subject.measures.items() %}
    {{ 'or' if not loop.first }} {% if measure.on %}{{ name }} <> 0{% else %}opening_{{ name }} <> 0 or closing_{{ name }} <> 0{% endif %}

    {% endfor %}
