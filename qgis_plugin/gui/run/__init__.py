"""Requests of the panel and the runs that they start."""
