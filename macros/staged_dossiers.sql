{# Dossiers as accepted into the lake, of the office's own exports and of the portal's copy alike. -#}
{% macro staged_dossiers(table) %}
    select
        dossier_code,
        procedure_code,
        procedure_name,
        field_code,
        field_name,
        -- docs/landing-contract.md 3: a missing agency is the part of the dossier code before its first dash.
        coalesce(
            agency_code,
            case when dossier_code like '%-%' then nullif(split_part(dossier_code, '-', 1), '') end
        ) as agency_code,
        agency_name,
        service_level,
        channel,
        applicant_type,
        applicant_key,
        applicant_identity_kind,
        submitted_at,
        received_at,
        due_at,
        supplement_requested_at,
        completed_at,
        returned_at,
        cast(status as integer) as status_code,
        fee_amount,
        paid_online,
        has_digitised_components,
        has_electronic_result,
        from_national_portal,
        result_kind,
        other_code,
        is_deleted,
        source_file,
        export_stamp,
        row_number
    from {{ accepted(table) }}
{% endmacro %}
