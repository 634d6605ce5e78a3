-- A typing error in what is declared would go unseen.
select * from {{ ref('dq_index_inputs') }}
