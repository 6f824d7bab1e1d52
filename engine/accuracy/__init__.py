"""Accuracy of a map of change, and areas with confidence intervals, from a stratified random sample that a person has judged."""
