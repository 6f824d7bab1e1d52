"""One stretch to uint8 for a whole raster, never for a tile, so that equal ground looks equal in every tile.

Percentile: 2 to 98 %, band by band, over valid pixels of sample windows spread evenly over the area that both rasters share.
An 8-bit raster stays as it is (the models learnt from plain 8-bit images), unless its values plainly do not use the range: 2 to
98 % of all bands together span fewer than 40 levels. Deterministic; memory is bounded by the samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

from ..contract.errors import InputError
from ..contract.tiles import TileRef

LOW_PERCENT, HIGH_PERCENT = 2, 98
_UNUSED_LEVELS = 40
_WINDOW_PX = 64
_FIRST_LATTICE = 8
_ENOUGH_PIXELS = 10_000

Read = Callable[[Any], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Stretch:
    """Linear map of ``low``..``high`` (one value a band) to 0..255, clipped."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    def apply(self, pixels: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """(3, h, w) float32 or uint8, 0 where invalid, and (h, w) bool to (3, h, w) uint8, 0 where invalid."""
        if pixels.dtype == np.uint8 and self == IDENTITY:
            return pixels
        low = np.asarray(self.low, np.float32)[:, None, None]
        span = np.asarray(self.high, np.float32)[:, None, None] - low
        span[span <= 0] = 1.0  # a constant band has nothing to stretch
        scaled = pixels - low
        scaled *= 255 / span
        scaled = np.rint(np.clip(scaled, 0, 255, out=scaled), out=scaled).astype(np.uint8)
        return scaled if valid.all() else np.where(valid, scaled, np.uint8(0))


IDENTITY = Stretch((0.0,) * 3, (255.0,) * 3)


def sample_windows(height: int, width: int, lattice: int, size_px: int) -> Iterator[TileRef]:
    """At most ``lattice`` × ``lattice`` windows spread evenly, corners included; fewer where the raster is small."""
    tops, lefts = (_starts(size, lattice, size_px) for size in (height, width))
    for row, top in enumerate(tops):
        for col, left in enumerate(lefts):
            yield TileRef(row, col, top, left, min(size_px, height), min(size_px, width))


def _starts(size: int, lattice: int, size_px: int) -> list[int]:
    count = min(lattice, -(-size // size_px))
    if count == 1:
        return [max(0, (size - size_px) // 2)]
    return [round(i * (size - size_px) / (count - 1)) for i in range(count)]


def choose_stretch(read: Read, window: Any, dtype: np.dtype, method: str, name: str) -> tuple[Stretch, bool]:
    """The stretch of one raster.

    Parameters
    ----------
    read : window of the grid → (3, h, w) float32 or uint8, (h, w) bool, not stretched.
    window : row_off, col_off, height, width of the area that both rasters share.
    dtype : of the raster's own pixels.
    method : "percentile" or "none".
    name : "before" or "after", for messages.

    Returns
    -------
    stretch : Stretch
    found : bool
        Whether any valid pixel was seen.

    Raises
    ------
    InputError
        "none" for pixels that are not uint8.
    """
    if method == "none" and dtype != np.uint8:
        raise InputError(
            f"stretch none, but the {name} raster has pixels of type {dtype}",
            "uint8 pixels when nothing is stretched",
            "use --stretch percentile, or make an 8-bit raster with gdal_translate -ot Byte -scale",
        )
    values = _sample(read, window)
    if values.shape[1] == 0:
        return IDENTITY, False
    if method == "none":
        return IDENTITY, True
    if dtype == np.uint8:
        low, high = np.percentile(values, (LOW_PERCENT, HIGH_PERCENT))
        if high - low >= _UNUSED_LEVELS:
            return IDENTITY, True
    lows, highs = np.percentile(values, (LOW_PERCENT, HIGH_PERCENT), axis=1)
    return Stretch(tuple(map(float, lows)), tuple(map(float, highs))), True  # type: ignore[arg-type]


def _sample(read: Read, window: Any) -> np.ndarray:
    """(3, n) valid pixels; more windows are read until there are enough of them or all were seen."""
    lattice = _FIRST_LATTICE
    while True:
        parts = []
        for ref in sample_windows(window.height, window.width, lattice, _WINDOW_PX):
            pixels, valid = read(TileRef(0, 0, window.row_off + ref.row_off, window.col_off + ref.col_off, ref.height, ref.width))
            if valid.any():
                parts.append(pixels[:, valid].astype(np.float32))
        values = np.concatenate(parts, axis=1) if parts else np.empty((3, 0), np.float32)
        if values.shape[1] >= _ENOUGH_PIXELS or lattice * _WINDOW_PX >= max(window.height, window.width):
            return values
        lattice *= 2
