with newest as (
    select *
    from {{ ref('fct_dossier_versions') }}
    where known_to = {{ open_end() }}
),

counted as (
    select dossier_code, processing_working_days
    from {{ ref('int_dossiers_counted') }}
    where outcome = 'resolved' and closed_on <= {{ as_of() }}
)

select
    newest.dossier_code,
    newest.procedure_code,
    newest.field_code,
    newest.agency_code,
    newest.service_level,
    newest.channel,
    newest.applicant_type,
    newest.applicant_key,
    newest.submitted_at,
    newest.received_at,
    newest.due_at,
    newest.supplement_requested_at,
    newest.completed_at,
    newest.returned_at,
    newest.status_code,
    {{ dossier_bucket(as_of()) }} as bucket,
    {{ dossier_timeliness(as_of()) }} as timeliness,
    newest.closed_on,
    newest.is_paused,
    counted.processing_working_days,
    newest.fee_amount,
    newest.paid_online,
    newest.has_digitised_components,
    newest.has_electronic_result,
    newest.from_national_portal,
    newest.result_kind,
    newest.other_code,
    newest.is_deleted,
    newest.known_from,
    newest.last_shown_at,
    newest.source_file,
    newest.agency_key,
    newest.procedure_key,
    newest.submitted_date,
    newest.received_date,
    newest.due_date,
    newest.closed_date
from newest
left join counted on newest.dossier_code = counted.dossier_code
