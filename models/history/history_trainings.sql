{{ history_of('trainings', ref('stg_trainings')) }}
