"""The private warehouse: the lake registered for dbt, and dbt run over it."""
