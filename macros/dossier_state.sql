{# What a dossier counts as. This file is the only place that says so (docs/landing-contract.md 4): the marts,
   `cchc kpi`, `cchc explain` and the published macros are all compiled from it. macros/figures/dossiers.sql counts. -#}

{# The columns whose change makes a new version of a dossier. -#}
{% macro dossier_state_columns() %}
    {{ return([
        'procedure_code', 'procedure_name', 'field_code', 'field_name', 'agency_code', 'agency_name',
        'service_level', 'channel', 'applicant_type', 'applicant_key', 'applicant_identity_kind',
        'submitted_at', 'received_at', 'due_at', 'supplement_requested_at', 'completed_at', 'returned_at',
        'status_code', 'fee_amount', 'paid_online', 'has_digitised_components', 'has_electronic_result',
        'from_national_portal', 'result_kind', 'other_code', 'is_deleted',
    ]) }}
{% endmacro %}

{% macro is_closed_status() %}status_code in (7, 8, 9, 10){% endmacro %}

{# What follows from a version alone, whatever the period: whether it counts, how and when it was closed, from
   which day on it is overdue. `versions` has the columns of knowledge_versions. -#}
{% macro dossier_outcomes(versions) %}
    with runs as (
        select
            *,
            sum(case when {{ is_closed_status() }} then 0 else 1 end) over (
                partition by dossier_code order by known_from rows between unbounded preceding and current row
            ) as times_shown_open
        from {{ versions }}
        where is_only_version is not true
    ),

    shown as (
        select
            * {{ excluding(['times_shown_open']) }},
            case when {{ is_closed_status() }} then min(case when {{ is_closed_status() }} then known_from end)
                over (partition by dossier_code, times_shown_open)
            end as shown_closed_since
        from runs
        union all
        select *, case when {{ is_closed_status() }} then known_from end as shown_closed_since
        from {{ versions }}
        where is_only_version
    ),

    days as (
        select
            *,
            status_code not in (1, 3) and not is_deleted as is_counted,
            {{ day('received_at') }} as received_on,
            {{ day('due_at') }} as due_on,
            case
                when status_code in (7, 8) then 'withdrawn'
                when status_code in (9, 10) and result_kind = 'Trả lại/Xin rút' then 'withdrawn'
                when status_code in (9, 10) then 'resolved'
                else 'open'
            end as outcome,
            case when {{ is_closed_status() }} then greatest(
                coalesce({{ day('completed_at') }}, {{ day('returned_at') }}, {{ day('shown_closed_since') }}),
                {{ day('received_at') }}
            ) end as closed_on,
            status_code in (5, 6) as is_paused
        from shown
    ),

    due as (
        select
            *,
            case when not is_paused then greatest({{ add_days('due_on', 1) }}, received_on) end as first_day_overdue
        from days
        where due_on is not null
        union all
        select *, null as first_day_overdue
        from days
        where due_on is null
    )

    select
        * {{ excluding(['is_only_version', 'first_day_overdue']) }},
        case
            when outcome <> 'resolved' then null
            when closed_on < due_on then 'early'
            when closed_on > due_on then 'late'
            else 'on_due_date'
        end as outcome_timeliness,
        case when closed_on is null or first_day_overdue < closed_on then first_day_overdue end as overdue_from
    from due
{% endmacro %}

{# What the exports before a version said of the dossier; deleted versions are left out of the comparison
   (docs/landing-contract.md 5.1). `versions` as `dossier_outcomes` gives them. -#}
{% macro dossier_versions_compared(versions) %}
    select
        versions.*,
        lag(due_on) over dossier as former_due_on,
        lag(received_on) over dossier as former_received_on,
        max(case when not ({{ is_closed_status() }}) then last_shown_at end) over earlier as last_shown_open_before,
        coalesce(max(case when {{ is_closed_status() }} then 1 end) over earlier, 0) = 1 as was_closed_before
    from {{ versions }} as versions
    where not is_deleted
    window
        dossier as (partition by dossier_code order by known_from),
        earlier as (
            partition by dossier_code order by known_from
            rows between unbounded preceding and 1 preceding
        )
{% endmacro %}

{# Of a version so compared: open again after it was closed. -#}
{% macro dossier_is_reopened() %}status_code in (2, 4, 5, 6) and was_closed_before{% endmacro %}

{# Bucket and timeliness on a day, of a version as `dossier_outcomes` gives it. -#}
{% macro dossier_bucket(on) %}
    case
        when not is_counted or received_on > {{ on }} then 'not_counted'
        when closed_on <= {{ on }} then outcome
        else 'in_process'
    end
{% endmacro %}
{% macro dossier_timeliness(on) %}
    case
        when not is_counted or received_on > {{ on }} then null
        when closed_on <= {{ on }} then outcome_timeliness
        when overdue_from <= {{ on }} then 'overdue'
        else 'within_due'
    end
{% endmacro %}

{# Working days on which each dossier waited for its applicant, as known on a day: the days after the request up
   to the resumption, overlapping pauses united, cut to the days after receipt up to the closing
   (docs/landing-contract.md 6). One row per closed dossier that was ever paused, or one for each `key` where versions
   of a dossier stand side by side. -#}
{% macro dossier_paused_days(dossiers, supplements, dates, as_of, key) %}
    with pauses as (
        select
            {{ in_relation('dossiers', key) }},
            greatest({{ day('supplements.requested_at') }}, dossiers.received_on) as starts_on,
            least(coalesce({{ day('supplements.resumed_at') }}, dossiers.closed_on), dossiers.closed_on) as ends_on
        from {{ known(supplements, as_of) }} as supplements
        inner join {{ dossiers }} as dossiers on supplements.dossier_code = dossiers.dossier_code
        where dossiers.closed_on is not null
    ),

    reached as (
        select
            *,
            max(ends_on) over (
                partition by {{ key | join(', ') }} order by starts_on, ends_on
                rows between unbounded preceding and 1 preceding
            ) as reached_on
        from pauses
        where starts_on < ends_on
    ),

    united as (
        select {{ key | join(', ') }}, greatest(starts_on, coalesce(reached_on, starts_on)) as starts_on, ends_on
        from reached
    )

    select
        {{ in_relation('united', key) }},
        sum(ends.working_days_so_far - starts.working_days_so_far) as paused_working_days
    from united
    inner join {{ dates }} as starts on united.starts_on = starts.date_day
    inner join {{ dates }} as ends on united.ends_on = ends.date_day
    where united.starts_on < united.ends_on
    group by {{ in_relation('united', key) }}
{% endmacro %}

{# The day on which each dossier was asked for a supplement a second time, as known on a day: from then on QĐ 766 counts
   it as not on time (docs/domain.md 1.3, 2.1). -#}
{% macro dossier_second_supplements(supplements, as_of) %}
    select dossier_code, {{ day('requested_at') }} as second_supplement_on
    from (
        select dossier_code, requested_at, row_number() over (partition by dossier_code order by requested_at) as place
        from {{ known(supplements, as_of) }} as supplements
    ) as requests
    where place = 2
{% endmacro %}

{# How a dossier came out in a convention: `form_06a` has no place for withdrawn ones, they stand inside resolved, on
   the due date (docs/landing-contract.md 4). `convention` is an expression. -#}
{% macro dossier_outcome(convention) -%}
    case when outcome = 'withdrawn' and {{ convention }} = 'form_06a' then 'resolved' else outcome end
{%- endmacro %}
{% macro dossier_outcome_timeliness(convention) -%}
    case when outcome = 'withdrawn' and {{ convention }} = 'form_06a' then 'on_due_date' else outcome_timeliness end
{%- endmacro %}

{# The dossiers that the portal's copy holds at the end of a day; one that it has deleted it no longer holds. -#}
{% macro dossiers_on_portal(portal_dossiers, as_of) %}
    select dossier_code
    from {{ known(portal_dossiers, as_of) }} as portal_dossiers
    where not is_deleted
{% endmacro %}

{# The counted dossiers as known at the end of a day, each with all that a figure is made of. `tables` says where they
   stand (figure_tables), `convention` is an expression. -#}
{% macro dossiers_known_on(tables, as_of, convention) %}
    with newest as (
        select versions.*, portal.dossier_code is not null as is_on_portal
        from {{ tables.dossier_versions }} as versions
        left join ({{ dossiers_on_portal(tables.portal_dossiers, as_of) }}) as portal
            on versions.dossier_code = portal.dossier_code
        where {{ known_on(as_of) }} and is_counted and received_on <= {{ as_of }}
    )

    {{ dossiers_measured('newest', ['dossier_code'], tables, as_of, convention) }}
{% endmacro %}

{# Counted versions of dossiers, each with all that a figure is made of; `key` tells them apart. A common table
   expression `versions` of the caller, registers and supplements as known at the end of a day. -#}
{% macro dossiers_measured(versions, key, tables, as_of, convention) %}
    , paused as (
        {{ dossier_paused_days(versions, tables.supplements, tables.dates, as_of, key) }}
    ),

    second_supplements as (
        {{ dossier_second_supplements(tables.supplements, as_of) }}
    ),

    agencies as (
        {{ valid_on_register(tables.agencies, 'agency_code', ['level', 'commune_code'], as_of) }}
    )

    select
        versions.* {{ excluding(['outcome', 'outcome_timeliness']) }},
        agencies.level,
        agencies.commune_code,
        versions.outcome = 'withdrawn' as is_withdrawal,
        {{ dossier_outcome(convention) }} as outcome,
        {{ dossier_outcome_timeliness(convention) }} as outcome_timeliness,
        case when versions.closed_on is not null then cast(greatest(
            closing.working_days_so_far - receipt.working_days_so_far - coalesce(paused.paused_working_days, 0), 0
        ) as integer) end as processing_working_days,
        case
            when second_supplement_on > versions.received_on then second_supplement_on
            when second_supplement_on is not null then versions.received_on
        end as second_supplement_on
    from {{ versions }} as versions
    left join second_supplements on versions.dossier_code = second_supplements.dossier_code
    left join paused on {{ same_key('versions', 'paused', key) }}
    left join {{ tables.dates }} as receipt on versions.received_on = receipt.date_day
    left join {{ tables.dates }} as closing on versions.closed_on = closing.date_day
    left join agencies
        on versions.agency_code = agencies.agency_code
        and versions.received_on >= agencies.valid_from and versions.received_on < agencies.valid_to
{% endmacro %}

{# The states of one dossier known at the end of a day. -#}
{% macro states_of(dossier, versions, as_of) %}
    select * from {{ versions }} where dossier_code = {{ dossier }} and known_from < {{ add_days(as_of, 1) }}
{% endmacro %}

{# What each state of one dossier changed of the one before it, as texts: a row for each column. -#}
{% macro dossier_changes(dossier, versions, as_of) %}
    with states as ({{ states_of(dossier, versions, as_of) }}),

    compared as (
        select
            known_from, source_file, row_number,
            {% for column in dossier_state_columns() %}
            {{ column }}, lag({{ column }}) over (order by known_from) as former_{{ column }}{{ ',' if not loop.last }}
            {% endfor %}
        from states
    )

    {% for column in dossier_state_columns() %}
    select
        known_from, source_file, row_number, '{{ column }}' as column_name,
        cast(former_{{ column }} as {{ dbt.type_string() }}) as before,
        cast({{ column }} as {{ dbt.type_string() }}) as after
    from compared
    where {{ column }} is distinct from former_{{ column }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}

{# As what one dossier counted while each of its states was the newest known: a row for the day on which the state
   became known, and for each later day, up to the as-of day, from which on it could count as something else. -#}
{% macro dossier_counted(dossier, versions, as_of) %}
    with states as (
        select
            *,
            {{ day('known_from') }} as shown_on,
            least({{ as_of }}, greatest({{ day('known_from') }}, {{ add_days(day('known_to'), -1) }})) as stands_until
        from ({{ states_of(dossier, versions, as_of) }}) as known
    ),

    days as (
        select states.*, shown_on as counted_on
        from states
        {% for turn in ['received_on', 'closed_on', 'overdue_from'] %}
        union
        select states.*, {{ turn }} as counted_on
        from states
        where {{ turn }} > shown_on and {{ turn }} <= stands_until
        {% endfor %}
    )

    select
        known_from, source_file, row_number, counted_on,
        {{ dossier_bucket('counted_on') }} as bucket, {{ dossier_timeliness('counted_on') }} as timeliness
    from days
{% endmacro %}
