{# Scorecards. Criteria, points and thresholds are reference data (seeds/scorecard_criteria.csv), what they count are the
   figures of macros/figures, and what the warehouse cannot count is declared in registers/index_inputs. Here stands how
   one becomes the other (docs/decisions/0015-scorecards.md). -#}

{# A subject with its measures that criteria name (`figures`) as counts, in place of its KPIs or beside them. -#}
{% macro figures_for_scorecards(subject, beside=[]) %}
    {% set counts = [] %}
    {% for measure in subject.get('figures', []) %}
        {% do counts.append({'code': subject.name ~ '.' ~ measure, 'numerator': measure}) %}
    {% endfor %}
    {{ return(dict(subject, kpis=beside + counts)) }}
{% endmacro %}

{# Points to the hundredth, half up, once, from the exact ratio; in hundredths. -#}
{% macro hundredths_of(points, numerator, denominator) -%}
    {{ floor_division(
        '2 * ' ~ in_millionths(points) ~ ' * ' ~ numerator ~ ' + 10000 * (' ~ denominator ~ ')',
        '20000 * (' ~ denominator ~ ')',
    ) }}
{%- endmacro %}

{# What each criterion counts: the figures that its numerator and its denominator add up, and how many they are. -#}
{% macro criterion_terms(criteria) %}
    select *, count(*) over (partition by index_code, version, criterion_code) as of_criterion
    from (
        {% for side in ['numerator', 'denominator'] %}
        select index_code, version, criterion_code, '{{ side }}' as side, {{ each_of(side, ' + ') }} as kpi_code
        from {{ criteria }} as own
        {{ 'union all' if not loop.last }}
        {% endfor %}
    ) as named
{% endmacro %}

{# Points of a criterion in hundredths, by its method; missing where they do not follow, nor from what cannot be: a number
   below 0, more points declared than there are. -#}
{% macro criterion_hundredths() %}
    case
        when method = 'declared' or numerator is null or denominator is null
            then case when declared_points <= max_points then {{ hundredths_of('declared_points', 1, 1) }} end
        when numerator < 0 or denominator < 0 then null
        when denominator = 0 and zero_denominator = 'full'
            then {{ hundredths_of('max_points', 1, 1) }}
        when denominator = 0
            then case zero_denominator when 'zero' then 0 end
        -- No threshold is above the whole.
        when numerator >= denominator
            then {{ hundredths_of('max_points', 1, 1) }}
        when method = 'share_above_floor'
            and 100 * {{ as_whole('numerator', 'denominator') }}
                < cast(100 * threshold as integer) * {{ as_whole('denominator', 'denominator') }}
            then 0
        else {{ hundredths_of(
            'max_points', '100 * ' ~ as_whole('numerator', 'denominator'),
            "cast(case method when 'share' then 100 * threshold else 100 end as integer) * " ~ as_whole('denominator', 'denominator'),
        ) }}
    end
{% endmacro %}

{# Each criterion under every group above it: three at most. -#}
{% macro criterion_groups(criteria) %}
    {% set above = ['own', 'above', 'far_above', 'farthest_above'] %}
    {% for depth in range(1, 4) %}
    select own.index_code, own.version, own.criterion_code, {{ above[depth] }}.criterion_code as group_code
    from {{ criteria }} as own
    {% for step in range(1, depth + 1) %}
    inner join {{ criteria }} as {{ above[step] }}
        on own.index_code = {{ above[step] }}.index_code and own.version = {{ above[step] }}.version
        and {{ above[step - 1] }}.parent_code = {{ above[step] }}.criterion_code
    {% endfor %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}

{# Criteria of every index scored, for each period, of the province and of each scope of which something is known.
     criteria  the seed
     inputs    what offices declare, as known on a day
     figures   kpi_code, scope and period with numerator and denominator
     periods   period_type, period_start, period_end, and the day that the period runs to
   What is declared counts for its very period; while a period still runs, for the nearest that ends later. -#}
{% macro scorecards(criteria, inputs, figures, periods) %}
    {% set period = ['period_type', 'period_start'] %}
    {% set criterion = ['index_code', 'version', 'criterion_code'] %}
    {% set scope = ['scope_type', 'scope_code'] %}
    with periods as (
        {{ periods }}
    ),

    criteria as (
        select criteria.*, periods.*
        from {{ criteria }} as criteria
        inner join periods
            on criteria.valid_from <= periods.period_end and coalesce(criteria.valid_to > periods.period_end, true)
    ),

    terms as (
        {{ criterion_terms(criteria) }}
    ),

    figures as (
        select *
        from ({{ figures }}) as all_figures
        where kpi_code in (select terms.kpi_code from terms)
    ),

    -- A scope that a figure has not reached counts 0 of it, where another of its type has one.
    reached as (
        select distinct kpi_code, scope_type, {{ period | join(', ') }}
        from figures
        where numerator is not null
    ),

    declared as (
        select *
        from (
            select
                {{ in_relation('criteria', criterion + period) }},
                case when inputs.agency_code is null then 'province' else 'agency' end as scope_type,
                coalesce(inputs.agency_code, 'all') as scope_code,
                inputs.numerator, inputs.denominator, inputs.declared_points,
                row_number() over (
                    partition by {{ in_relation('criteria', criterion + period) }}, inputs.agency_code
                    order by inputs.period_to
                ) as place
            from criteria
            inner join {{ inputs }} as inputs
                on criteria.index_code = inputs.index_code and criteria.criterion_code = inputs.criterion_code
                and criteria.period_start = inputs.period_from
                and inputs.period_to between criteria.period_end and criteria.runs_to
            where criteria.method <> 'sum'
        ) as placed
        where place = 1
    ),

    scopes as (
        select 'province' as scope_type, 'all' as scope_code, {{ period | join(', ') }} from periods
        union
        select {{ (scope + period) | join(', ') }} from figures
        union
        select {{ (scope + period) | join(', ') }} from declared
    ),

    computed as (
        select
            {{ in_relation('terms', criterion) }},
            {{ in_relation('scopes', scope + period) }},
            sum(case when terms.side = 'numerator' then coalesce(figures.numerator, 0) end) as numerator,
            sum(case when terms.side = 'denominator' then coalesce(figures.denominator, figures.numerator, 0) end) as denominator
        from terms
        inner join reached on terms.kpi_code = reached.kpi_code
        inner join scopes on {{ same_key('reached', 'scopes', ['scope_type'] + period) }}
        left join figures
            on terms.kpi_code = figures.kpi_code and {{ same_key('scopes', 'figures', scope + period) }}
        where figures.kpi_code is null or figures.numerator is not null
        group by {{ in_relation('terms', criterion) }}, terms.of_criterion, {{ in_relation('scopes', scope + period) }}
        having count(*) = terms.of_criterion
    ),

    inputs_of_points as (
        select
            {{ in_relation('criteria', criterion + period) }}, criteria.period_end,
            {{ in_relation('scopes', scope) }},
            criteria.max_points, criteria.method, criteria.zero_denominator,
            coalesce(criteria.threshold, 1) as threshold,
            computed.criterion_code is not null as is_computed,
            coalesce(computed.numerator, declared.numerator) as numerator,
            coalesce(computed.denominator, declared.denominator) as denominator,
            declared.declared_points
        from criteria
        inner join scopes on {{ same_key('criteria', 'scopes', period) }}
        left join computed on {{ same_key('criteria', 'computed', criterion + period) }} and {{ same_key('scopes', 'computed', scope) }}
        left join declared on {{ same_key('criteria', 'declared', criterion + period) }} and {{ same_key('scopes', 'declared', scope) }}
        where
            criteria.method <> 'sum'
            and (scopes.scope_type = 'province' or computed.criterion_code is not null or declared.criterion_code is not null)
    ),

    scored as (
        select
            *,
            {{ criterion_hundredths() }} as hundredths,
            {{ hundredths_of('max_points', 1, 1) }} as most_hundredths
        from inputs_of_points
    ),

    criteria_scored as (
        select
            * {{ excluding(['hundredths', 'most_hundredths']) }},
            case when hundredths is not null then least(hundredths, most_hundredths) end as points,
            case when hundredths is not null then most_hundredths - least(hundredths, most_hundredths) end as points_lost,
            case when hundredths is null then 'missing' when is_computed then 'computed' else 'declared' end as status
        from scored
    ),

    groups as (
        {{ criterion_groups(criteria) }}
    ),

    group_sizes as (
        select groups.index_code, groups.version, groups.group_code, count(*) as criteria, sum(own.max_points) as max_points
        from groups
        inner join {{ criteria }} as own on {{ same_key('groups', 'own', criterion) }} and own.method <> 'sum'
        group by groups.index_code, groups.version, groups.group_code
    ),

    groups_scored as (
        select
            groups.index_code, groups.version, groups.group_code,
            {{ in_relation('scored', scope + period) }}, scored.period_end,
            sum(scored.points) as points,
            sum(scored.points_lost) as points_lost,
            count(scored.points) as criteria_known,
            coalesce(max(case when scored.status = 'declared' then 1 end), 0) as is_declared
        from criteria_scored as scored
        inner join groups on {{ same_key('scored', 'groups', criterion) }}
        group by
            groups.index_code, groups.version, groups.group_code, {{ in_relation('scored', scope + period) }}, scored.period_end
    ),

    everything as (
        select
            {{ (criterion + scope + period) | join(', ') }}, period_end, numerator, denominator, max_points, points, points_lost, status
        from criteria_scored
        union all
        select
            scored.index_code, scored.version, scored.group_code as criterion_code,
            {{ in_relation('scored', scope + period) }}, scored.period_end,
            null as numerator, null as denominator,
            coalesce(own.max_points, sizes.max_points) as max_points,
            scored.points, scored.points_lost,
            case
                when scored.criteria_known < sizes.criteria then 'missing'
                when scored.is_declared = 1 then 'declared'
                else 'computed'
            end as status
        from groups_scored as scored
        inner join {{ criteria }} as own
            on scored.index_code = own.index_code and scored.version = own.version and scored.group_code = own.criterion_code
        inner join group_sizes as sizes
            on scored.index_code = sizes.index_code and scored.version = sizes.version and scored.group_code = sizes.group_code
    )

    select
        index_code,
        version,
        scope_type,
        scope_code,
        period_type,
        period_start,
        period_end,
        criterion_code,
        cast(numerator as double) as numerator,
        cast(denominator as double) as denominator,
        cast(max_points as double) as max_points,
        cast(points as double) / 100 as points,
        cast(points_lost as double) / 100 as points_lost,
        status
    from everything
{% endmacro %}

{# Through which agencies and procedures the province loses the points of each criterion: in proportion to what each
   lacks of the numerator; unrounded, ranked. `scores` as `scorecards` gives them. -#}
{% macro points_lost_through(scores) %}
    with scores as (
        select *, denominator - numerator as shortfall
        from {{ scores }} as every_score
        where points is not null
    ),

    lost as (
        select scores.*, sum(shortfall) over (partition by index_code, version, criterion_code, scope_type) as whole_shortfall
        from scores
        where scope_type in ('agency', 'procedure') and shortfall > 0
    )

    select
        lost.index_code,
        lost.version,
        lost.criterion_code,
        lost.scope_type,
        lost.scope_code,
        lost.numerator,
        lost.denominator,
        lost.shortfall,
        province.points_lost * lost.shortfall / lost.whole_shortfall as points_lost,
        rank() over (
            partition by lost.index_code, lost.version, lost.criterion_code, lost.scope_type order by lost.shortfall desc
        ) as place
    from lost
    inner join scores as province
        on lost.index_code = province.index_code and lost.version = province.version
        and lost.criterion_code = province.criterion_code and province.scope_type = 'province'
    where province.points_lost > 0
{% endmacro %}
