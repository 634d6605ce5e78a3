{{ history_of('plan_tasks', ref('stg_plan_tasks')) }}
