"""Mutation testing: is a wrong rule noticed? One small change at a time, and the tests that have to fail.

`operators` makes the changes in SQL and Python text, `killers` runs the tests against one of them. pytest collects
`test_operators.py` alone; `python -m tests.mutation` runs the whole (docs/reliability.md).
"""
