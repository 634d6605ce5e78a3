{{ knowledge_versions(ref('int_dossier_observations'), ['dossier_code'], dossier_state_columns(), ['applicant_key', 'applicant_identity_kind']) }}
