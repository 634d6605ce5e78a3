{{ newest_of(ref('history_procedure_cuts')) }}
