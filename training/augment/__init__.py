"""Augmentation that keeps the caption true, one module a kind of change."""

from .appearance import photometric, season_safe
from .compose import Composite, composite, moves_whole, rerender, unchanged_composite
from .geometry import misregister, shift, zoom
from .nodata import TELLING, hidden_for, joint_fill
from .reversal import reverse_caption, reverse_captions, reverse_classes
from .sensor import sensor_look, speaks_of_colour
from .symmetry import any_symmetry, apply_symmetry, has_place_words, mirror_words, random_symmetry, symmetric_caption

__all__ = [
    "TELLING",
    "Composite",
    "any_symmetry",
    "apply_symmetry",
    "composite",
    "has_place_words",
    "hidden_for",
    "mirror_words",
    "misregister",
    "moves_whole",
    "photometric",
    "joint_fill",
    "random_symmetry",
    "rerender",
    "reverse_caption",
    "reverse_captions",
    "reverse_classes",
    "season_safe",
    "sensor_look",
    "shift",
    "speaks_of_colour",
    "symmetric_caption",
    "unchanged_composite",
    "zoom",
]
