"""Thin wiring of the night's steps into Dagster: assets, checks, job, schedule. Nothing is computed here."""
