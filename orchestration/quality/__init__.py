"""Judging what was built: reviewed suites over bounded frames, dbt tests, one verdict, pages to read.

Nothing here knows Dagster or the command line. Great Expectations is imported only while suites run.
"""
