{{ config(materialized='view') }}
{{ last_rows_per_stamp(ref('stg_dossiers'), ['dossier_code']) }}
