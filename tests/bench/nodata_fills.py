"""What a model can be shown where a date has no data: the fills that ``nodata`` compares, and the fault that they mend.

Each takes both dates, uint8 (3, H, W), and the pixels that both have, bool (H, W), and returns both dates filled.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from engine.geo.validity.joint import fill_jointly

Fill = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
IMAGENET = np.array([124, 116, 104], np.uint8)[:, None, None]


def engine(before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the engine does: one colour, the mean of both dates' common ground."""
    return fill_jointly(before, after, valid, valid)


def after_only(before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The fault: black in the after image alone."""
    return before, np.where(valid, after, np.uint8(0))


def black(before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.where(valid, before, np.uint8(0)), np.where(valid, after, np.uint8(0))


def grey(before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean colour of ImageNet."""
    return np.where(valid, before, IMAGENET), np.where(valid, after, IMAGENET)


def own_mean(before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each date's own mean colour."""
    filled = [_bytes(np.where(valid, date, date[:, valid].mean(axis=1)[:, None, None])) for date in (before, after)]
    return filled[0], filled[1]


def mirrored(before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each date mirrored at the edge of the common ground; the nearest pixel where no mirror image lies in it."""
    nearest_row, nearest_col = _nearest(valid.tobytes(), valid.shape)
    row, col = np.mgrid[: valid.shape[0], : valid.shape[1]]
    row, col = 2 * nearest_row - row, 2 * nearest_col - col
    inside = (row >= 0) & (row < valid.shape[0]) & (col >= 0) & (col < valid.shape[1])
    row, col = np.where(inside, row, nearest_row), np.where(inside, col, nearest_col)
    seen = valid[row, col]
    row, col = np.where(seen, row, nearest_row), np.where(seen, col, nearest_col)
    return before[:, row, col], after[:, row, col]


def smooth(before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each date continued smoothly, without an edge."""
    return _bytes(_continued(before, valid)), _bytes(_continued(after, valid))


def copied(before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The before image's pixels in the after image."""
    return before, np.where(valid, after, before)


def noise(before: np.ndarray, after: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same noise in both dates, with the mean and the spread of the common ground."""
    common = np.concatenate([before[:, valid], after[:, valid]], axis=1).astype(np.float64)
    drawn = np.random.default_rng(0).normal(size=(1, *valid.shape))
    filled = _bytes(common.mean(axis=1)[:, None, None] + common.std(axis=1)[:, None, None] * drawn)
    return np.where(valid, before, filled), np.where(valid, after, filled)


FILLS: dict[str, Fill] = {
    "engine": engine,
    "after only": after_only,
    "black": black,
    "grey": grey,
    "own mean": own_mean,
    "mirrored": mirrored,
    "smooth": smooth,
    "copied": copied,
    "noise": noise,
}


def _bytes(pixels: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(pixels, 0, 255)).astype(np.uint8)


def _continued(date: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Push-pull interpolation (Gortler et al. 1996): averages of ever larger squares of valid pixels, drawn apart again where there are none."""
    weighted = torch.from_numpy(np.concatenate([date * valid, valid[None]]).astype(np.float32))[None]
    levels = [weighted]
    while min(levels[-1].shape[2:]) > 1:
        levels.append(F.avg_pool2d(levels[-1], 2))
    pixels = levels[-1][:, :3] / levels[-1][:, 3:].clamp_min(1e-6)
    for level in levels[-2::-1]:
        coarser = F.interpolate(pixels, size=level.shape[2:], mode="bilinear", align_corners=False)
        weight = level[:, 3:]
        pixels = level[:, :3] + (1 - weight) * coarser
    return pixels[0].numpy()


@functools.lru_cache(64)
def _nearest(mask: bytes, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the nearest valid pixel of each, by jump flooding (Rong & Tan 2006)."""
    height, width = shape
    valid = np.frombuffer(mask, bool).reshape(shape)
    row, col = np.mgrid[:height, :width]
    found_row, found_col = np.where(valid, row, -(10**5)), np.where(valid, col, -(10**5))
    best = (found_row - row) ** 2 + (found_col - col) ** 2
    halvings = (max(height, width) - 1).bit_length()
    for step in [*(1 << n for n in reversed(range(halvings))), 1]:
        for down, right in itertools.product((-step, 0, step), repeat=2):
            at = np.clip(row + down, 0, height - 1), np.clip(col + right, 0, width - 1)
            there = found_row[at], found_col[at]
            distance = (there[0] - row) ** 2 + (there[1] - col) ** 2
            nearer = distance < best
            best = np.where(nearer, distance, best)
            found_row, found_col = np.where(nearer, there[0], found_row), np.where(nearer, there[1], found_col)
    return found_row, found_col
