{# What every KPI besides those of dossiers counts (landing contract, section 6). A family is one relation of rows
   per period and the KPIs counted on it: `when` narrows the rows, `amount` is summed in place of 1, `base` is the
   denominator. `scopes` are the codes that its rows bear besides the province. -#}

{% macro kpi_families(names, as_of) %}
    {% set families = [] %}

    {% set plan_tasks %}
        select
            periods.*,
            tasks.task_code as entity_code,
            tasks.lead_agency_code as agency_code,
            agencies.level,
            agencies.commune_code,
            coalesce(tasks.completed_on <= periods.period_end, false) as is_completed,
            tasks.due_on < periods.period_end as is_due
        from {{ known(names.plan_tasks, as_of) }} as tasks
        inner join periods
            on tasks.assigned_on >= date_trunc('year', periods.period_end) and tasks.assigned_on <= periods.period_end
        {{ left_join_agency('tasks.lead_agency_code', 'periods.period_end') }}
    {% endset %}
    {% do families.append({'source': names.plan_tasks, 'rows': plan_tasks, 'scopes': ['agency', 'level', 'commune'], 'kpis': [
        {'code': 'plan_tasks_assigned'},
        {'code': 'plan_tasks_completed', 'when': 'is_completed'},
        {'code': 'plan_tasks_in_progress', 'when': 'not is_completed'},
        {'code': 'plan_tasks_overdue', 'when': 'not is_completed and is_due'},
        {'code': 'plan_task_completion_rate', 'when': 'is_completed', 'base': '1'},
    ]}) %}

    {% for table, on, entity, code in [
        ('directives', 'issued_on', 'document_number', 'directives_issued'),
        ('trainings', 'held_on', 'training_code', 'trainings_held'),
    ] %}
    {% set events %}
        select periods.*, events.{{ entity }} as entity_code
        from {{ known(names[table], as_of) }} as events
        inner join periods on events.{{ on }} between periods.period_start and periods.period_end
    {% endset %}
    {% do families.append({'source': names[table], 'rows': events, 'scopes': [], 'kpis': [{'code': code}]}) %}
    {% endfor %}

    {% set inspections %}
        select periods.*, events.inspection_code as entity_code, events.agency_code, agencies.level, agencies.commune_code
        from {{ known(names.inspections, as_of) }} as events
        inner join periods on events.inspected_on between periods.period_start and periods.period_end
        {{ left_join_agency('events.agency_code', 'events.inspected_on') }}
    {% endset %}
    {% do families.append({'source': names.inspections, 'rows': inspections, 'scopes': ['agency', 'level', 'commune'], 'kpis': [
        {'code': 'inspections_held'},
    ]}) %}

    {% set petitions %}
        select
            periods.*,
            petitions.petition_code as entity_code,
            petitions.agency_code,
            agencies.level,
            agencies.commune_code,
            coalesce(
                petitions.answered_on <= petitions.due_on and petitions.answered_on <= periods.period_end, false
            ) as is_on_time
        from {{ known(names.petitions, as_of) }} as petitions
        inner join periods on petitions.received_on between periods.period_start and periods.period_end
        {{ left_join_agency('petitions.agency_code', 'petitions.received_on') }}
    {% endset %}
    {% do families.append({'source': names.petitions, 'rows': petitions, 'scopes': ['agency', 'level', 'commune'], 'kpis': [
        {'code': 'petitions_received'},
        {'code': 'petitions_answered_on_time', 'when': 'is_on_time'},
    ]}) %}

    {% set satisfaction %}
        select
            periods.*,
            surveys.agency_code || '|' || surveys.surveyed_on as entity_code,
            surveys.agency_code,
            agencies.level,
            agencies.commune_code,
            surveys.respondents,
            surveys.satisfied_count
        from {{ known(names.satisfaction, as_of) }} as surveys
        inner join periods on surveys.surveyed_on between periods.period_start and periods.period_end
        {{ left_join_agency('surveys.agency_code', 'surveys.surveyed_on') }}
    {% endset %}
    {% do families.append({'source': names.satisfaction, 'rows': satisfaction, 'scopes': ['agency', 'level', 'commune'], 'kpis': [
        {'code': 'satisfaction_rate', 'amount': 'satisfied_count', 'base': 'respondents'},
    ]}) %}

    {# The newest rating year is the province's, for every scope. -#}
    {% set ratings %}
        select
            periods.*,
            ratings.agency_code || '|' || ratings.year as entity_code,
            ratings.agency_code,
            agencies.level,
            agencies.commune_code,
            ratings.grade
        from {{ known(names.unit_ratings, as_of) }} as ratings
        inner join (
            select periods.*, max(ratings.year) as newest_year
            from periods
            inner join {{ known(names.unit_ratings, as_of) }} as ratings on ratings.year <= extract(year from periods.period_end)
            group by all
        ) as periods on ratings.year = periods.newest_year
        {{ left_join_agency('ratings.agency_code', 'periods.period_end') }}
    {% endset %}
    {% do families.append({'source': names.unit_ratings, 'rows': ratings, 'scopes': ['agency', 'level', 'commune'], 'kpis': [
        {'code': 'units_rated_excellent', 'when': "grade = 'excellent'"},
        {'code': 'units_rated_good', 'when': "grade = 'good'"},
        {'code': 'units_rated_fair', 'when': "grade = 'fair'"},
        {'code': 'units_rated_average', 'when': "grade = 'average'"},
        {'code': 'units_rated_poor', 'when': "grade = 'poor'"},
    ]}) %}

    {% set indexes %}
        select
            periods.*,
            results.index_code || '|' || results.year as entity_code,
            results.index_code,
            results.rank,
            (
                select former.rank from {{ known(names.index_results, as_of) }} as former
                where former.index_code = results.index_code and former.year = results.year - 1 and former.domain_code is null
            ) - results.rank as rank_change
        from {{ known(names.index_results, as_of) }} as results
        inner join periods on results.year <= extract(year from periods.period_end)
        where results.domain_code is null
        qualify results.year = max(results.year) over (partition by results.index_code, periods.period_type, periods.period_start)
    {% endset %}
    {% set index_kpis = [] %}
    {% for index, prefix in [('PAR', 'par_index'), ('SIPAS', 'sipas'), ('PAPI', 'papi'), ('PCI', 'pci')] %}
        {% do index_kpis.append({'code': prefix ~ '_rank', 'when': "index_code = '" ~ index ~ "'", 'amount': 'rank'}) %}
        {% do index_kpis.append({'code': prefix ~ '_rank_change', 'when': "index_code = '" ~ index ~ "'", 'amount': 'rank_change'}) %}
    {% endfor %}
    {% do families.append({'source': names.index_results, 'rows': indexes, 'scopes': [], 'kpis': index_kpis, 'is_reading': true}) %}

    {% set procedures %}
        select periods.*, procedures.procedure_code as entity_code, procedures.level, procedures.service_level
        from ({{ valid_on_register(names.procedures, 'procedure_code', ['level', 'service_level', 'is_online'], as_of) }}) as procedures
        inner join periods
            on periods.period_end >= procedures.valid_from and periods.period_end < procedures.valid_to
        where procedures.is_online
    {% endset %}
    {% do families.append({'source': names.procedures, 'rows': procedures, 'scopes': ['level'], 'kpis': [
        {'code': 'online_services_offered'},
        {'code': 'online_services_full_process', 'when': "service_level = 'full'"},
    ]}) %}

    {% set cuts %}
        select
            periods.*,
            cuts.procedure_code || '|' || cuts.decision_number as entity_code,
            cuts.days_before - cuts.days_after as days_saved
        from {{ known(names.procedure_cuts, as_of) }} as cuts
        inner join periods on cuts.decided_on between periods.period_start and periods.period_end
        where cuts.days_after < cuts.days_before
    {% endset %}
    {% do families.append({'source': names.procedure_cuts, 'rows': cuts, 'scopes': [], 'kpis': [
        {'code': 'procedure_days_saved', 'amount': 'days_saved'},
    ]}) %}
    {% set shortened %}
        select distinct periods.*, cuts.procedure_code as entity_code
        from {{ known(names.procedure_cuts, as_of) }} as cuts
        inner join periods on cuts.decided_on between periods.period_start and periods.period_end
        where cuts.days_after < cuts.days_before
    {% endset %}
    {% do families.append({'source': names.procedure_cuts, 'rows': shortened, 'scopes': [], 'kpis': [
        {'code': 'procedures_shortened'},
    ]}) %}

    {% set providers %}
        select periods.*, providers.provider_code as entity_code, providers.provider_type
        from {{ known(names.payment_providers, as_of) }} as providers
        inner join periods
            on providers.connected_on <= periods.period_end
            and coalesce(providers.disconnected_on > periods.period_end, true)
    {% endset %}
    {% do families.append({'source': names.payment_providers, 'rows': providers, 'scopes': [], 'kpis': [
        {'code': 'payment_banks_connected', 'when': "provider_type = 'bank'"},
        {'code': 'payment_wallets_connected', 'when': "provider_type in ('wallet', 'gateway')"},
    ]}) %}

    {% set payments %}
        select periods.*, payments.transaction_code as entity_code, payments.amount
        from {{ known(names.payments, as_of) }} as payments
        inner join periods on {{ day('payments.paid_at') }} between periods.period_start and periods.period_end
        where payments.status = 'paid'
    {% endset %}
    {% do families.append({'source': names.payments, 'rows': payments, 'scopes': [], 'kpis': [
        {'code': 'payments_paid'},
        {'code': 'payments_paid_amount', 'amount': 'amount'},
    ]}) %}

    {% set offices %}
        select
            periods.*,
            agencies.agency_code as entity_code,
            agencies.agency_code,
            agencies.level,
            agencies.commune_code,
            agencies.uses_e_office,
            agencies.has_internal_process,
            agencies.has_electronic_process
        from agencies
        inner join periods on periods.period_end >= agencies.valid_from and periods.period_end < agencies.valid_to
    {% endset %}
    {% set upper = "level in ('province', 'district')" %}
    {% do families.append({'source': names.agencies, 'rows': offices, 'scopes': ['agency', 'level', 'commune'], 'kpis': [
        {'code': 'internal_process_rate', 'among': upper, 'when': 'has_internal_process', 'base': '1'},
        {'code': 'electronic_process_rate', 'among': upper, 'when': 'has_electronic_process', 'base': '1'},
        {'code': 'e_office_rate', 'when': 'uses_e_office', 'base': '1'},
    ]}) %}

    {% set facilities %}
        select
            periods.*,
            facilities.facility_code as entity_code,
            facilities.commune_code,
            coalesce(facilities.uses_cccd_since <= periods.period_end, false) as uses_cccd
        from {{ known(names.health_facilities, as_of) }} as facilities
        cross join periods
    {% endset %}
    {% do families.append({'source': names.health_facilities, 'rows': facilities, 'scopes': ['commune'], 'kpis': [
        {'code': 'health_facilities'},
        {'code': 'health_facilities_using_cccd', 'when': 'uses_cccd'},
        {'code': 'cccd_facility_rate', 'when': 'uses_cccd', 'base': '1'},
    ]}) %}

    {% set lookups %}
        select
            periods.*,
            lookups.lookup_code as entity_code,
            facilities.commune_code,
            lookups.document_type,
            lookups.result
        from {{ known(names.health_lookups, as_of) }} as lookups
        inner join periods on {{ day('lookups.looked_up_at') }} between periods.period_start and periods.period_end
        left join {{ known(names.health_facilities, as_of) }} as facilities
            on lookups.facility_code = facilities.facility_code
    {% endset %}
    {% do families.append({'source': names.health_lookups, 'rows': lookups, 'scopes': ['commune'], 'kpis': [
        {'code': 'health_lookups'},
        {'code': 'health_lookups_by_cccd', 'when': "document_type = 'CCCD'"},
        {'code': 'health_lookup_success_rate', 'among': "result <> 'technical_failure'", 'when': "result = 'successful'", 'base': '1'},
    ]}) %}

    {% set registrations %}
        select
            periods.*,
            registrations.registration_code as entity_code,
            registrations.commune_code,
            registrations.event_type,
            registrations.channel,
            registrations.has_deadline,
            registrations.is_on_time
        from ({{ civil_registrations_known_on(names, as_of) }}) as registrations
        inner join periods on registrations.registered_on between periods.period_start and periods.period_end
    {% endset %}
    {% set registration_kpis = [] %}
    {% for event in ['birth', 'death'] %}
        {% set of_event = "event_type = '" ~ event ~ "'" %}
        {% do registration_kpis.append({'code': event ~ 's_registered', 'when': of_event}) %}
        {% do registration_kpis.append({'code': event ~ 's_registered_online', 'when': of_event ~ " and channel = 'online'"}) %}
        {% do registration_kpis.append(
            {'code': event ~ '_on_time_rate', 'among': of_event ~ ' and has_deadline', 'when': 'is_on_time', 'base': '1'}
        ) %}
    {% endfor %}
    {% do families.append({'source': names.civil_registrations, 'rows': registrations, 'scopes': ['commune'], 'kpis': registration_kpis}) %}

    {{ return(families) }}
{% endmacro %}

{# Registrations as known on a day, with the commune that the register of agencies gives a registry office, and
   whether each was in time: 60 days for a birth, 15 for a death (Luật Hộ tịch 60/2014, articles 15 and 33). -#}
{% macro civil_registrations_known_on(names, as_of) %}
    with register as (
        {{ valid_on_register(names.agencies, 'agency_code', ['agency_name', 'commune_code'], as_of) }}
    ),

    registrations as (
        select
            * {{ excluding(['commune_code']) }},
            commune_code as own_commune_code,
            {{ day('registered_at') }} as registered_on,
            case when length(event_date) = 10 then cast(event_date as date) end as event_on
        from {{ known(names.civil_registrations, as_of) }} as newest
    ),

    offices as (
        select
            registrations.registration_code,
            case when count(distinct register.commune_code) = 1 then min(register.commune_code) end as commune_code
        from registrations
        inner join register
            on {{ folded('registrations.registry_office') }} = {{ folded('register.agency_name') }}
            and registrations.registered_on >= register.valid_from and registrations.registered_on < register.valid_to
        where registrations.own_commune_code is null
        group by registrations.registration_code
    )

    select
        registrations.* {{ excluding(['own_commune_code']) }},
        coalesce(registrations.own_commune_code, offices.commune_code) as commune_code,
        event_on is not null and coalesce(registration_kind, 'new') in ('new', 'late') as has_deadline,
        coalesce(
            {{ days_between('event_on', 'registered_on') }} <= case event_type when 'birth' then 60 else 15 end, false
        ) as is_on_time
    from registrations
    left join offices on registrations.registration_code = offices.registration_code
{% endmacro %}

{% macro known(table, as_of) %}(select * from {{ table }} where {{ known_on(as_of) }}){% endmacro %}

{% macro left_join_agency(code, on) %}
    left join agencies
        on {{ code }} = agencies.agency_code and {{ on }} >= agencies.valid_from and {{ on }} < agencies.valid_to
{% endmacro %}

{# What the families read beside their own tables. -#}
{% macro family_context(names, periods, as_of) %}
    periods as (
        {{ periods }}
    ),

    agencies as (
        {{ valid_on_register(names.agencies, 'agency_code', [
            'level', 'commune_code', 'uses_e_office', 'has_internal_process', 'has_electronic_process',
        ], as_of) }}
    )
{% endmacro %}

{# Figures of every family for every period of a relation (period_type, period_start, period_end): a scope has all
   KPIs of a family from the first period in which the family counts it; the province always. -#}
{% macro family_kpis(names, periods, as_of) %}
    with {{ family_context(names, periods, as_of) }}
    {% for family in kpi_families(names, as_of) %}
    {% set number = loop.index %}
    , rows_{{ number }} as (
        {{ family.rows }}
    ),

    scopes_{{ number }} as (
        select 'province' as scope_type, 'all' as scope_code, date '0001-01-01' as first_end
        {% for scope in family.scopes %}
        union all
        select '{{ scope }}', coalesce({{ scope_column(scope) }}, 'unknown'), min(period_end)
        from rows_{{ number }}
        group by 2
        {% endfor %}
    )
    {% endfor %}

    {% for family in kpi_families(names, as_of) %}
    {% set is_known = 'exists (select 1 from ' ~ known(family.source, as_of) ~ ')' %}
    {% set number = loop.index %}
    select * from (
        with counted as (
            {% for scope in ['province'] + family.scopes %}
            select
                '{{ scope }}' as scope_type,
                {{ "'all'" if scope == 'province' else 'coalesce(' ~ scope_column(scope) ~ ", 'unknown')" }} as scope_code,
                period_type, period_start, period_end
                {% for kpi in family.kpis %}
                , {{ family_numerator(kpi) }} as numerator_{{ loop.index }}
                , {{ family_denominator(kpi) }} as denominator_{{ loop.index }}
                {% endfor %}
            from rows_{{ number }}
            group by 1, 2, 3, 4, 5
            {{ 'union all' if not loop.last }}
            {% endfor %}
        ),

        grid as (
            select scopes.scope_type, scopes.scope_code, periods.period_type, periods.period_start, periods.period_end
            from scopes_{{ number }} as scopes
            inner join periods on periods.period_end >= scopes.first_end
        ),

        filled as (
            select grid.*, counted.* {{ excluding(['scope_type', 'scope_code', 'period_type', 'period_start', 'period_end']) }}
            from grid
            left join counted
                on grid.scope_type = counted.scope_type and grid.scope_code = counted.scope_code
                and grid.period_type = counted.period_type and grid.period_start = counted.period_start
        )

        {% for kpi in family.kpis %}
        {% set numerator = 'numerator_' ~ loop.index if family.is_reading
            else 'case when ' ~ is_known ~ ' then coalesce(numerator_' ~ loop.index ~ ', 0) end' %}
        {% set denominator = 'case when ' ~ is_known ~ ' then coalesce(denominator_' ~ loop.index ~ ', 0) end' %}
        select
            '{{ kpi.code }}' as kpi_code, scope_type, scope_code, period_type, period_start, period_end,
            {{ stored_sum(numerator) }} as numerator,
            {% if kpi.base %}
            {{ stored_sum(denominator) }} as denominator,
            cast({{ numerator }} as double) / nullif({{ denominator }}, 0) as value
            {% else %}
            cast(null as bigint) as denominator,
            cast({{ numerator }} as double) as value
            {% endif %}
        from filled
        {{ 'union all' if not loop.last }}
        {% endfor %}
    ) as family_{{ number }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}

{# Sums are counted in 128 bits, and kept in 64: one beyond is missing, while its value stands. -#}
{% macro stored_sum(sum) %}try_cast({{ sum }} as bigint){% endmacro %}

{% macro scope_column(scope) %}{{ {'agency': 'agency_code', 'level': 'level', 'commune': 'commune_code'}[scope] }}{% endmacro %}

{% macro family_conditions(kpi, with_when=true) -%}
    {{ ([kpi.among] if kpi.among else []) | list | join(' and ') or 'true' }}{% if with_when and kpi.when %} and {{ kpi.when }}{% endif %}
{%- endmacro %}

{% macro family_numerator(kpi) %}sum({{ kpi.get('amount', '1') }}) filter (where {{ family_conditions(kpi) }}){% endmacro %}
{% macro family_denominator(kpi) %}sum({{ kpi.get('base', '1') }}) filter (where {{ family_conditions(kpi, false) }}){% endmacro %}

{# The rows behind the families' figures for one period, in the shape of rows_behind. -#}
{% macro family_rows_behind(names, periods, as_of, scope_types) %}
    with {{ family_context(names, periods, as_of) }}
    {% for family in kpi_families(names, as_of) %}
    {% set family_loop = loop %}
    {% for kpi in family.kpis %}
    {{ 'union all' if not (loop.first and family_loop.first) }}
    select
        '{{ kpi.code }}' as kpi_code,
        cast(entity_code as varchar) as entity_code,
        {{ 'coalesce(' ~ kpi.when ~ ', false)' if kpi.base and kpi.when else 'true' }} as in_numerator,
        cast({{ kpi.get('amount', 'null') }} as bigint) as amount,
        {% for scope in scope_types %}
        {{ "'all'" if scope == 'province' else ('coalesce(' ~ scope_column(scope) ~ ", 'unknown')" if scope in family.scopes else 'null') }} as scope_{{ scope }}{{ ',' if not loop.last }}
        {% endfor %}
    from ({{ family.rows }}) as family_rows
    where {{ family_conditions(kpi, not kpi.base) }}
    {% endfor %}
    {% endfor %}
{% endmacro %}
