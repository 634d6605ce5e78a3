{{ config(alias='civil_registrations', schema='history') }}
{{ history_of(ref('stg_civil_registrations'), ['registration_code'], [
    'event_type', 'event_date', 'registered_at', 'commune_code', 'channel', 'is_interlinked', 'group_dossier_code', 'registration_kind', 'registry_office',
], ['person_key', 'person_identity_kind']) }}
