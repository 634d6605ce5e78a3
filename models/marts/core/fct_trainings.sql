{{ newest_of(ref('history_trainings')) }}
