"""Augmentation that keeps the caption true, one module a kind of change."""

from .appearance import photometric, season_safe
from .compose import Composite, composite, moves_whole, rerender, unchanged_composite
from .geometry import misregister, shift, zoom
from .reversal import reverse_caption, reverse_captions, reverse_classes
from .symmetry import apply_symmetry, has_place_words, mirror_words, random_symmetry, symmetric_caption

__all__ = [
    "Composite",
    "apply_symmetry",
    "composite",
    "has_place_words",
    "mirror_words",
    "misregister",
    "moves_whole",
    "photometric",
    "random_symmetry",
    "rerender",
    "reverse_caption",
    "reverse_captions",
    "reverse_classes",
    "season_safe",
    "shift",
    "symmetric_caption",
    "unchanged_composite",
    "zoom",
]
