{{ history_of('civil_registrations', ref('stg_civil_registrations')) }}
