{{ config(materialized='ephemeral') }}
{{ staged_dossiers(source('lake', 'portal_dossiers')) }}
