"""Tuning a model on reviewed tiles."""
