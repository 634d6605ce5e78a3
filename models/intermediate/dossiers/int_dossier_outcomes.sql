{{ dossier_outcomes(ref('int_dossier_versions')) }}
