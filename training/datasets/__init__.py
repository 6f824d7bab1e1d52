"""Captioned pairs of images for training: loaders that all give ``PairRow``.

Evaluation pairs (split "test") are in ``load_rows``; ``training_rows`` leaves them out.
"""

from .rows import DELTA_SIGNS, PairRow, captioned, read_batch, read_pair, training_rows
from .shared_pairs import load_rows

__all__ = ["DELTA_SIGNS", "PairRow", "captioned", "load_rows", "read_batch", "read_pair", "training_rows"]
