"""Whether a raster's overviews show what its pixels show; they do not where the pixels were written anew and the overviews were not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import rasterio
from rasterio.windows import Window

from ..stretch import sample_windows

LATTICE, MOST_PX, LEAST_PX = 4, 512, 8  # windows; their sides in pixels of the raster (at most) and of the overview (at least)
BLOCK_PX = 4  # of the overview that are compared as one: overviews of picked pixels are as good as averaged ones
USED = 1.2  # GDAL takes an overview up to so much coarser than asked for
# Mean difference over the window's own contrast; picked pixels give 0.2 at most, another picture 0.8 and more.
MAX_DIFFERENCE = 0.45


def are_stale(path: str, dataset: Any, band: int, step: float, valid: Callable[[Window], np.ndarray]) -> bool:
    """Compare some windows of the overview that a decimated read would take with the pixels below it.

    Parameters
    ----------
    path : what GDAL opens. dataset : the same, open. band : counted from 1.
    step : pixels of the raster a pixel wanted.
    valid : window → (h, w) bool, what is data there at full resolution.
    """
    used = [(level, factor) for level, factor in enumerate(dataset.overviews(band)) if factor <= USED * step]
    if not used:
        return False
    level, factor = max(used, key=lambda item: item[1])
    side_px = max(LEAST_PX, MOST_PX // factor // BLOCK_PX * BLOCK_PX)
    ratios, floor = [], []
    with rasterio.open(path, overview_level=level) as small:
        for ref in sample_windows(small.height - 1, small.width - 1, LATTICE, side_px):  # the last column may stand for less than a factor
            height, width = (size // BLOCK_PX * BLOCK_PX for size in (ref.height, ref.width))
            if not height or not width:
                continue
            own = Window(ref.col_off * factor, ref.row_off * factor, width * factor, height * factor)
            if own.col_off + own.width > dataset.width or own.row_off + own.height > dataset.height or not valid(own).all():
                continue
            pixels = dataset.read(band, window=own).astype(np.float64)
            coarse = small.read(band, window=Window(ref.col_off, ref.row_off, width, height)).astype(np.float64)
            ratios.append(np.abs(_means(pixels, BLOCK_PX * factor) - _means(coarse, BLOCK_PX)).mean())
            floor.append(pixels.std())
    if not floor:
        return False
    # Where a window is nearly flat, the others say what a difference of note is.
    contrast = np.maximum(floor, 0.2 * max(floor))
    return bool((np.array(ratios) > MAX_DIFFERENCE * contrast).any())


def _means(values: np.ndarray, size: int) -> np.ndarray:
    rows, cols = (side // size for side in values.shape)
    return values.reshape(rows, size, cols, size).mean(axis=(1, 3))
