"""Whether the two dates lie on each other: phase correlation of sample windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rasterio.windows import Window

from ..pair import RasterPair
from ..stretch import sample_windows
from .correlation import phase_correlation

# Up to LATTICE × LATTICE windows; small ones where the rasters are small, so that there are several.
LATTICE, WINDOW_PX, SMALL_WINDOW_PX = 4, 256, 128
MIN_VALID = 0.95
# Offsets up to this are usual between dates of good orthophotos, and the models were trained with as much.
TOLERATED_PX = 2.0
# Height of the correlation peak over the noise (standard deviations) from which a window is believed; unrelated textures stay under 7.
MIN_PEAK = 9.0
# Believed windows must agree to within this.
AGREE_PX = 2.0
MIN_AGREEING = 3


@dataclass(frozen=True)
class Offset:
    """How far the AFTER raster's content lies from the BEFORE raster's: pixels of the grid down and right.

    windows : how many agree. confidence : their share (0..1) of the windows that showed a clear peak.
    """

    rows_px: float
    cols_px: float
    windows: int
    confidence: float


def measure(pair: RasterPair) -> Offset | None:
    """The offset that at least three sample windows, and half of the believed ones, agree on; else None."""
    area = pair.overlap_window()
    size_px = WINDOW_PX if min(area.height, area.width) >= 3 * WINDOW_PX else SMALL_WINDOW_PX
    found = []
    for sample in sample_windows(area.height, area.width, LATTICE, size_px):
        if min(sample.height, sample.width) < SMALL_WINDOW_PX // 2:
            continue
        window = Window(area.col_off + sample.col_off, area.row_off + sample.row_off, sample.width, sample.height)
        before, after, valid_before, valid_after = pair.read(window)
        if (valid_before & valid_after).mean() < MIN_VALID:
            continue
        rows, cols, peak = phase_correlation(*(image.mean(0, dtype=np.float32) for image in (before, after)))
        if peak >= MIN_PEAK:
            found.append((rows, cols, peak))
    if len(found) < MIN_AGREEING:
        return None
    offsets, peaks = np.array(found)[:, :2], np.array(found)[:, 2]
    agree = np.hypot(*(offsets - np.median(offsets, axis=0)).T) <= AGREE_PX
    if agree.sum() < max(MIN_AGREEING, len(found) / 2):
        return None
    rows, cols = np.average(offsets[agree], axis=0, weights=peaks[agree])
    return Offset(float(rows), float(cols), int(agree.sum()), float(agree.mean()))


def check(pair: RasterPair) -> str | None:
    """A warning where the dates are more than two pixels off, else None."""
    offset = measure(pair)
    if offset is None or np.hypot(offset.rows_px, offset.cols_px) <= TOLERATED_PX:
        return None
    return (
        f"The after raster lies {offset.rows_px:+.1f} pixels down and {offset.cols_px:+.1f} right of the before raster "
        f"({offset.windows} sample windows agree); false changes are likely. Align the dates (--align shift or local), or co-register the pair first."
    )
