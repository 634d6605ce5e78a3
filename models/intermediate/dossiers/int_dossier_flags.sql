-- Dossiers that can be read but cannot be true (docs/landing-contract.md 5): one finding per dossier and rule.
{% set equals_due = "date_trunc('second', completed_at) = date_trunc('second', due_at)" %}
{% set newest_rules = [
    ('closed_without_end_date', is_closed_status() ~ ' and completed_at is null and returned_at is null',
        "'closed; neither completed_at nor returned_at'"),
    ('completed_before_received', day('completed_at') ~ ' < received_on',
        "'completed ' || " ~ day('completed_at') ~ " || ', received ' || received_on"),
    ('due_before_received', 'due_on < received_on', "'due ' || due_on || ', received ' || received_on"),
    ('returned_before_completed', day('returned_at') ~ ' < ' ~ day('completed_at'),
        "'returned ' || " ~ day('returned_at') ~ " || ', completed ' || " ~ day('completed_at')),
    ('received_after_export', 'received_on > ' ~ day('known_from'),
        "'received ' || received_on || ', exported ' || " ~ day('known_from')),
    ('completed_after_export', day('completed_at') ~ ' > ' ~ day('known_from'),
        "'completed ' || " ~ day('completed_at') ~ " || ', exported ' || " ~ day('known_from')),
    ('returned_without_return_date', 'status_code = 10 and returned_at is null', "'status 10 without returned_at'"),
    ('information_service_online', "service_level = 'other' and channel = 'online'",
        "'online channel for an information service'"),
    ('no_due_date', "outcome = 'resolved' and due_at is null", "'resolved, counted as on the due date'"),
    ('unknown_procedure', 'register_knows_procedures and received_on is not null and not procedure_is_valid', "'procedure ' || procedure_code"),
    ('unknown_agency', 'register_knows_agencies and received_on is not null and not agency_is_valid',
        "'agency ' || coalesce(agency_code, 'missing')"),
    ('code_date_mismatch',
        "day_in_code <> '' and coalesce(submitted_at, received_at) is not null"
        ~ " and day_in_code is distinct from " ~ two_digit_date('submitted_at')
        ~ " and day_in_code is distinct from " ~ two_digit_date('received_at'),
        "'code says ' || day_in_code"),
] %}
{% set history_rules = [
    ('deadline_moved_after_breach',
        'due_on > former_due_on and ' ~ day('known_from') ~ ' > former_due_on'
        ~ ' and not coalesce(closed_on <= former_due_on, false)',
        "'due ' || former_due_on || ', moved to ' || due_on || ' by the export of ' || " ~ day('known_from')),
    ('completion_backdated', 'closed_on < ' ~ day('last_shown_open_before'),
        "'closed ' || closed_on || ', still open in the export of ' || " ~ day('last_shown_open_before')),
    ('completion_equals_due',
        equals_due ~ ' and ' ~ day('greatest(last_shown_open_before, shown_open_again)') ~ ' > due_on',
        "'completed at the very second it was due, still open in the export of ' || "
        ~ day('greatest(last_shown_open_before, shown_open_again)')),
    ('reopened', dossier_is_reopened(), "'open again in the export of ' || " ~ day('known_from')),
    ('received_date_moved', 'received_on <> former_received_on',
        "'received ' || former_received_on || ', moved to ' || received_on"),
] %}
-- An open version that several exports showed was still open in all but the newest of them.
with shown_again as (
    select versions.dossier_code, versions.known_from, max(observations.export_stamp) as shown_open_again
    from (
        select dossier_code, known_from, last_shown_at
        from {{ ref('int_dossier_outcomes') }}
        where not ({{ is_closed_status() }}) and {{ equals_due }} and last_shown_at > known_from
    ) as versions
    inner join {{ ref('stg_dossiers') }} as observations
        on versions.dossier_code = observations.dossier_code
        and observations.export_stamp >= versions.known_from
        and observations.export_stamp < versions.last_shown_at
    group by versions.dossier_code, versions.known_from
),

-- Most dossiers have one version: nothing to compare, no window to pass through.
compared as (
    select dossier_code from {{ ref('int_dossier_outcomes') }} where known_to <> {{ open_end() }}
    union
    select dossier_code from shown_again
),

outcomes_compared as (
    select *
    from {{ ref('int_dossier_outcomes') }}
    where dossier_code in (select compared.dossier_code from compared)
),

versions as (
    select versions.*, shown_open_again
    from ({{ dossier_versions_compared('outcomes_compared') }}) as versions
    left join shown_again
        on versions.dossier_code = shown_again.dossier_code
        and versions.known_from = shown_again.known_from
),

agencies as (
    {{ valid_on_register(ref('history_agencies'), 'agency_code', [], as_of()) }}
),

procedures as (
    {{ valid_on_register(ref('history_procedures'), 'procedure_code', [], as_of()) }}
),

newest as (
    select
        outcomes.*,
        {{ first_group('outcomes.dossier_code', '-([0-9]{6})-') }} as day_in_code,
        exists (select 1 from agencies) as register_knows_agencies,  -- noqa: LT01
        exists (select 1 from procedures) as register_knows_procedures,  -- noqa: LT01
        agencies.agency_code is not null as agency_is_valid,
        procedures.procedure_code is not null as procedure_is_valid
    from {{ ref('int_dossier_outcomes') }} as outcomes
    left join agencies
        on outcomes.agency_code = agencies.agency_code
        and outcomes.received_on >= agencies.valid_from and outcomes.received_on < agencies.valid_to
    left join procedures
        on outcomes.procedure_code = procedures.procedure_code
        and outcomes.received_on >= procedures.valid_from and outcomes.received_on < procedures.valid_to
    where outcomes.known_to = {{ open_end() }} and not outcomes.is_deleted
)

{% for rule, test, detail in newest_rules %}
select 'dossiers' as source, dossier_code as entity_code, '{{ rule }}' as rule_code, {{ detail }} as detail, source_file
from newest
where {{ test }}
union all
{% endfor %}
{% for rule, test, detail in history_rules %}
select
    'dossiers' as source,
    dossier_code as entity_code,
    '{{ rule }}' as rule_code,
    max_by({{ detail }}, known_from) as detail,
    max_by(source_file, known_from) as source_file
from versions
where {{ test }}
group by dossier_code
{{ 'union all' if not loop.last }}
{% endfor %}
