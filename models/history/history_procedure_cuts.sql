{{ history_of('procedure_cuts', ref('stg_procedure_cuts')) }}
