{{ config(alias='trainings', schema='history') }}
{{ history_of(ref('stg_trainings'), ['training_code'], [
    'held_on', 'title', 'participants',
]) }}
