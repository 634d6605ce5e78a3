{{ config(materialized='view') }}
{{ knowledge_versions(ref('int_dossier_observations'), ['dossier_code'], dossier_state_columns(), 'is_only_version') }}
