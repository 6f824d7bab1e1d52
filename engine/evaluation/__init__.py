"""Scoring captions of a data set: pairs, per-pair statistics, resampling, tables and the page of pictures."""
