"""Captioned pairs of images for training: loaders that all give ``PairRow``, captions files, and a check of the data.

Evaluation pairs (split "test") are in ``load_rows``; ``training_rows`` leaves them out.
"""

from .duplicates import check_leakage
from .excluded import STRICT, SplitOptions
from .layouts import load_rows
from .rows import DELTA_SIGNS, PairRow, captioned, read_batch, read_pair, training_rows, unchanged_sentences

__all__ = [
    "DELTA_SIGNS",
    "STRICT",
    "PairRow",
    "SplitOptions",
    "captioned",
    "check_leakage",
    "load_rows",
    "read_batch",
    "read_pair",
    "training_rows",
    "unchanged_sentences",
]
