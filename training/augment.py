"""Augmentation that keeps the caption true: flips and turns rewrite the words of place; colour, blur, noise and small shifts do not touch them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

MIRROR_LEFT_RIGHT = {"left": "right", "lower-left": "lower-right", "upper-left": "upper-right", "west": "east", "western": "eastern"}
MIRROR_TOP_BOTTOM = {
    "top": "bottom",
    "upper": "lower",
    "above": "below",
    "north": "south",
    "northern": "southern",
    "upper-left": "lower-left",
    "upper-right": "lower-right",
}
# Captions with one of these words are never turned by 90°: "on the left" would need other prepositions, not other words.
PLACE_WORDS = frozenset(word for table in (MIRROR_LEFT_RIGHT, MIRROR_TOP_BOTTOM) for pair in table.items() for word in pair) | {
    "vertical",
    "horizontal",
    "vertically",
    "horizontally",
    "under",
    "over",
    "beneath",
    "underneath",
    "down",
}
# Words that a top-bottom mirror makes false and that have no mirror of their own ("a path going down to the lake").
NO_TOP_BOTTOM = frozenset({"under", "over", "beneath", "underneath", "down"})


def _both_ways(table: dict[str, str]) -> dict[str, str]:
    return table | {b: a for a, b in table.items()}


LEFT_RIGHT, TOP_BOTTOM = _both_ways(MIRROR_LEFT_RIGHT), _both_ways(MIRROR_TOP_BOTTOM)


def mirror_words(tokens: tuple[str, ...], left_right: bool, top_bottom: bool) -> tuple[str, ...]:
    """Tokens of a caption after mirroring its images left to right and/or top to bottom."""
    if left_right:
        tokens = tuple(LEFT_RIGHT.get(token, token) for token in tokens)
    if top_bottom:
        tokens = tuple(TOP_BOTTOM.get(token, token) for token in tokens)
    return tokens


def random_symmetry(captions: tuple[tuple[str, ...], ...], rng: np.random.Generator) -> tuple[bool, bool, bool, tuple[tuple[str, ...], ...]]:
    """Draw (transpose, left_right, top_bottom), only such that the captions can be kept true, and the captions rewritten."""
    words = {token for caption in captions for token in caption}
    transpose = bool(rng.integers(2)) and not words & PLACE_WORDS
    left_right = bool(rng.integers(2))
    top_bottom = bool(rng.integers(2)) and not words & NO_TOP_BOTTOM
    return transpose, left_right, top_bottom, tuple(mirror_words(caption, left_right, top_bottom) for caption in captions)


def apply_symmetry(image: np.ndarray, transpose: bool, left_right: bool, top_bottom: bool) -> np.ndarray:
    """The same symmetry on (…, H, W)."""
    if transpose:
        image = image.swapaxes(-1, -2)
    if left_right:
        image = image[..., ::-1]
    if top_bottom:
        image = image[..., ::-1, :]
    return np.ascontiguousarray(image)


def shift(image: np.ndarray, rows: int, cols: int) -> np.ndarray:
    """Move an image (C, H, W) by whole pixels, repeating the edge: a small misregistration."""
    height, width = image.shape[-2:]
    row = np.clip(np.arange(height) - rows, 0, height - 1)
    col = np.clip(np.arange(width) - cols, 0, width - 1)
    return np.ascontiguousarray(image[:, row][:, :, col])


def photometric(images: Tensor, generator: torch.Generator) -> Tensor:
    """Colour, haze, blur and noise, drawn for each image: (N, 3, H, W) float 0..255 → the same, changed in place."""
    n = len(images)

    def draw(low: float, high: float, channels: int = 1) -> Tensor:
        return torch.empty(n, channels, 1, 1).uniform_(low, high, generator=generator)

    grey = images.mean(1, keepdim=True)
    images.lerp_(grey.expand_as(images), 1 - draw(0.6, 1.3))  # saturation
    centre = grey.mean((2, 3), keepdim=True)
    images.sub_(centre).mul_(draw(0.7, 1.3)).add_(centre * draw(0.75, 1.25))  # contrast, brightness
    images.mul_(draw(0.9, 1.1, 3))  # tint, season, haze
    for i in _chosen(n, 0.3, generator):  # half resolution, as a third of the LEVIR pairs
        small = F.interpolate(images[i : i + 1], scale_factor=0.5, mode="area")
        images[i : i + 1] = F.interpolate(small, scale_factor=2.0, mode="bilinear")
    for i in _chosen(n, 0.2, generator):
        images[i] += torch.randn(images[i].shape, generator=generator) * 6.0
    return images.clamp_(0, 255)


def _chosen(n: int, share: float, generator: torch.Generator) -> list[int]:
    return torch.nonzero(torch.rand(n, generator=generator) < share).flatten().tolist()
