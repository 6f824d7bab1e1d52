"""Augmentation that keeps the caption true, one module a kind of change."""

from .appearance import photometric, season_safe
from .geometry import misregister, shift, zoom
from .reversal import reverse_caption, reverse_captions, reverse_classes
from .symmetry import apply_symmetry, has_place_words, mirror_words, random_symmetry, symmetric_caption

__all__ = [
    "apply_symmetry",
    "has_place_words",
    "mirror_words",
    "misregister",
    "photometric",
    "random_symmetry",
    "reverse_caption",
    "reverse_captions",
    "reverse_classes",
    "season_safe",
    "shift",
    "symmetric_caption",
    "zoom",
]
