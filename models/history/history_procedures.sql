{{ history_of('procedures', ref('stg_procedures')) }}
