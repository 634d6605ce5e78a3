{{ history_of('unit_ratings', ref('stg_unit_ratings')) }}
