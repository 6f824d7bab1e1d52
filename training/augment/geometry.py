"""Geometry that two dates of one place never quite share: misregistration; and zooming in on a pair."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

MAX_TURN_DEG, MAX_SCALE = 1.0, 0.01
WHOLE_PIXEL_SHARE = 0.5  # of misregistrations; the rest move by parts of a pixel, turn and scale
MAX_ZOOM = 1.5
SEEN_CHANGE = 0.005  # share of a tile's pixels from which a building change counts as changed


def shift(image: np.ndarray, rows: int, cols: int) -> np.ndarray:
    """Move an image (C, H, W) by whole pixels, repeating the edge."""
    height, width = image.shape[-2:]
    row = np.clip(np.arange(height) - rows, 0, height - 1)
    col = np.clip(np.arange(width) - cols, 0, width - 1)
    return np.ascontiguousarray(image[:, row][:, :, col])


def misregister(image: np.ndarray, rng: np.random.Generator, max_px: int = 4) -> np.ndarray:
    """One date slightly off the other: shifted by at most ``max_px`` pixels, half of the time also turned by at most 1° and scaled by at most 1 %.

    Caption, mask and classes of the pair still hold: they are those of the date that stays.

    Parameters
    ----------
    image : uint8 (3, H, W), square.
    """
    if rng.random() < WHOLE_PIXEL_SHARE:
        rows, cols = rng.integers(-max_px, max_px + 1, 2)
        return shift(image, int(rows), int(cols))
    turn = math.radians(rng.uniform(-MAX_TURN_DEG, MAX_TURN_DEG))
    scale = 1 + rng.uniform(-MAX_SCALE, MAX_SCALE)
    return similarity(image, turn, scale, *rng.uniform(-max_px, max_px, 2))


def similarity(image: np.ndarray, turn_rad: float, scale: float, rows: float, cols: float) -> np.ndarray:
    """Turned about the centre, scaled and moved by (rows, cols) pixels, bilinear, repeating the edge. uint8 (3, H, W) → the same."""
    height, width = image.shape[-2:]
    cos, sin = math.cos(turn_rad) / scale, math.sin(turn_rad) / scale
    x = np.linspace(-1 + 1 / width, 1 - 1 / width, width, dtype=np.float32)[None, :] - np.float32(2 * cols / width)
    y = np.linspace(-1 + 1 / height, 1 - 1 / height, height, dtype=np.float32)[:, None] - np.float32(2 * rows / height)
    grid = np.empty((1, height, width, 2), np.float32)  # where each output pixel is read: the inverse of the movement
    grid[0, ..., 0] = cos * x + sin * y
    grid[0, ..., 1] = cos * y - sin * x
    moved = F.grid_sample(torch.from_numpy(image)[None].float(), torch.from_numpy(grid), mode="bilinear", padding_mode="border", align_corners=False)
    return moved[0].round_().to(torch.uint8).numpy()


def zoom(before: np.ndarray, after: np.ndarray, mask: np.ndarray | None, changed: bool | None, rng: np.random.Generator) -> tuple:
    """A random square of 1/1.5 to 1 of the side of both dates, enlarged to the tile's size.

    Returns
    -------
    before, after : uint8 (3, H, W).
    mask : uint8 (H, W), or None as given.
    changed : the flag if it is still known: an unchanged pair stays unchanged; a changed one stays so where its mask shows change in the
        square, and is None (unknown) elsewhere.
    captions_hold : True for unchanged pairs only: what a caption speaks of, and where it says it is, may have left the picture.
    """
    size = before.shape[-1]
    side = round(size / rng.uniform(1, MAX_ZOOM))
    row, col = rng.integers(0, size - side + 1, 2)
    window = (..., slice(row, row + side), slice(col, col + side))
    before, after = (_enlarge(image[window], size) for image in (before, after))
    if mask is not None:
        index = (2 * np.arange(size) + 1) * side // (2 * size)  # nearest pixel centre
        mask = np.ascontiguousarray(mask[window][index[:, None], index])
    if changed:
        changed = True if mask is not None and mask.mean() > SEEN_CHANGE else None
    return before, after, mask, changed, changed is False


def _enlarge(image: np.ndarray, size: int) -> np.ndarray:
    """uint8 (3, h, w) → (3, size, size), bilinear. Channels last: torch has a fast path for bytes only there."""
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(1, 2, 0)))[None].permute(0, 3, 1, 2)
    return np.ascontiguousarray(F.interpolate(tensor, size=(size, size), mode="bilinear")[0].numpy())
