{{ history_of('petitions', ref('stg_petitions')) }}
