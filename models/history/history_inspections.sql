{{ history_of('inspections', ref('stg_inspections')) }}
