{{ history_of('agencies', ref('stg_agencies')) }}
