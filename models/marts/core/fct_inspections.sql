{{ newest_of(ref('history_inspections')) }}
