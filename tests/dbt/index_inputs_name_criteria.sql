-- What is declared for a criterion that no scorecard has, or for a group, counts nowhere: a typing error would go
-- unseen.
select
    inputs.index_code, inputs.criterion_code, inputs.agency_code, inputs.period_from, inputs.period_to,
    inputs.source_file
from {{ ref('history_index_inputs') }} as inputs
left join {{ ref('scorecard_criteria') }} as criteria
    on inputs.index_code = criteria.index_code and inputs.criterion_code = criteria.criterion_code
    and criteria.method <> 'sum'
where inputs.known_to = {{ open_end() }} and criteria.criterion_code is null
