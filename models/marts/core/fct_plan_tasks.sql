{{ newest_of(ref('history_plan_tasks')) }}
