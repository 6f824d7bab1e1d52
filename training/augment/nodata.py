"""Pixels that no date shows: strips, wedges, blobs and sensor stripes hidden in both dates of a pair, as rasters with nodata have them.

The mask is joint: what one date lacks is hidden in the other too, so that a gap alone never looks like a change.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

TRIES = 6
KEPT_CHANGE = 0.75  # share of a changed pair's mask that must stay in sight
BLIND_SHARE = 0.2  # most of a changed tile that may be hidden where it is not known where the change lies
TELLING = 0.08  # hidden share beyond which captions and classes no longer hold for sure
MOST = 0.6

Fill = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


def random_hidden(side: int, rng: np.random.Generator, most: float = MOST) -> np.ndarray:
    """Hidden pixels, bool (side, side), at most about ``most`` of them."""
    kind, share = rng.integers(4), rng.uniform(0.02, most)
    rows, cols = np.mgrid[0:side, 0:side] / side - 0.5
    if kind < 2:  # beyond a straight edge: along the tile's side, or slanted as a swath's end is
        angle = rng.integers(4) * math.pi / 2 if kind == 0 else rng.uniform(0, 2 * math.pi)
        depth = np.cos(angle) * cols + np.sin(angle) * rows
        return depth > np.quantile(depth, 1 - share)
    if kind == 2:  # a cloud's mask: some ellipses
        hidden = np.zeros((side, side), bool)
        count = int(rng.integers(1, 4))
        for _ in range(count):
            row, col = rng.uniform(-0.5, 0.5, 2)
            stretch, area = rng.uniform(0.5, 2.0), share / count
            hidden |= ((rows - row) * stretch) ** 2 + ((cols - col) / stretch) ** 2 < area / math.pi
        return hidden
    angle, period = rng.uniform(0, math.pi), rng.uniform(16, 64) / side  # lines that a scanner lost
    return np.mod(np.cos(angle) * cols + np.sin(angle) * rows, period) < period * min(share, 0.35)


def hidden_for(changed: float | None, mask: np.ndarray | None, side: int, rng: np.random.Generator) -> np.ndarray | None:
    """Hidden pixels that leave the change flag true; None where none were found.

    Parameters
    ----------
    changed : 1, 0 or None (unknown). mask : changed pixels (side, side), or None.
    """
    if not changed:
        return random_hidden(side, rng)
    if mask is None or not mask.any():
        return random_hidden(side, rng, BLIND_SHARE)
    for _ in range(TRIES):
        hidden = random_hidden(side, rng)
        if (mask > 0)[~hidden].sum() >= KEPT_CHANGE * (mask > 0).sum():
            return hidden
    return None


def joint_fill(before: np.ndarray, after: np.ndarray, hidden: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Both dates (3, H, W) with one colour where they are hidden: most often the mean of what both show, else black or any grey."""
    kind, seen = rng.random(), ~hidden
    if kind < 0.7 and seen.any():
        colour = (before[:, seen].mean(1) + after[:, seen].mean(1)) / 2
    else:
        colour = np.full(3, 0 if kind < 0.85 else rng.integers(0, 256), np.float32)
    filled = []
    for image in (before, after):
        image = image.copy()
        image[:, hidden] = colour[:, None].astype(image.dtype)
        filled.append(image)
    return filled[0], filled[1]
