"""Releases: one complete, consistent publication each, switched in last and never changed afterwards."""
