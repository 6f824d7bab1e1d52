"""Every form of no data of one raster as one bool mask: no-data value, alpha band, internal or .msk mask, NaN and infinity, values that a person
names, and fill that nothing declares.

A nodata value that may also be a measured one (0 or more, in an integer raster) counts only where all bands hold it: a dark
pixel may well be 0 in blue. A negative one, or any in a floating-point raster, counts where any band holds it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import NodataShadowWarning
from rasterio.windows import Window

from ...contract.validity import Validity
from .alpha import Alpha
from .fill import Fill, holds, is_lossy

_ULPS = 4 * float(np.finfo(np.float32).eps)  # a value that went through a text or another float type is still the same

# Lossy compression leaves noise of so many levels around what is no data, at most so far: two of JPEG's blocks where colours are halved.
NOISE, NOISE_PX = 8, 16


class PixelValidity:
    """What of one raster is data; settled when it is opened, then asked of every window. Picklable.

    Attributes
    ----------
    by_pixels : bool
        Whether GDAL's own averaging does not know (all of) what is no data, so that pixels must be read one by one and averaged by us.
    fills : list of Fill
    kept : value of each band that is never fill, or None
    """

    def __init__(self, dataset: Any, bands: Sequence[int], alpha: Alpha | None, options: Validity):
        """Settle the forms that the file and the request declare; ``bands`` are the distinct ones that are read."""
        self.bands, self.alpha, self.fills = tuple(bands), alpha, list[Fill]()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NodataShadowWarning)  # alpha beside a no-data value: both count here
            flags = [dataset.mask_flag_enums[band - 1] for band in bands]
        nodata = [dataset.nodatavals[band - 1] for band in bands]
        integer = all(np.issubdtype(np.dtype(dataset.dtypes[band - 1]), np.integer) for band in bands)
        own = options.nodata.own and any(value is not None for value in nodata)
        self._nodata = tuple(nodata) if own else None
        # A no-data value that somebody switched off is ground, and no fill either.
        self.kept = None if options.nodata.own else tuple(nodata)
        self._all_bands = integer and all(value is not None and value >= 0 for value in nodata)
        self._mask = any(MaskFlags.per_dataset in flag and MaskFlags.alpha not in flag for flag in flags)
        self._is_noisy = is_lossy(dataset) and all(dataset.dtypes[band - 1] == "uint8" for band in bands)
        self._ranges = [(low, high, integer and low >= 0) for low, high in options.nodata.values]
        if not isinstance(options.fill, str):
            self._ranges.append((options.fill, options.fill, True))
        hidden = any(MaskFlags.alpha in flag for flag in flags)
        shadowed = ColorInterp.alpha in dataset.colorinterp and any(MaskFlags.nodata in flag for flag in flags)
        self.by_pixels = bool(
            self._ranges
            or shadowed
            or (alpha is not None and (alpha.soft or not hidden))
            or (alpha is None and hidden)
            or (not own and any(MaskFlags.nodata in flag for flag in flags))
        )

    def add_fills(self, fills: Sequence[Fill]) -> None:
        self.fills += fills
        self.by_pixels |= bool(fills)

    def read(self, dataset: Any, pixels: np.ndarray, window: Any) -> np.ndarray:
        """Validity of pixels just read.

        Parameters
        ----------
        dataset : rasterio dataset
        pixels : (bands, h, w), any dtype, read from ``window``; decimated by picking where ``by_pixels``, else by averaging.
        window : rasterio Window

        Returns
        -------
        (h, w) bool, True where there is data.
        """
        averaged = not self.by_pixels and pixels.shape[1:] != (int(window.height), int(window.width))
        place = {"window": window, "resampling": Resampling.average if averaged else Resampling.nearest}
        valid = np.isfinite(pixels).all(axis=0) if pixels.dtype.kind == "f" else np.ones(pixels.shape[1:], bool)
        if self._nodata is not None:
            if averaged:
                held = dataset.read_masks(list(self.bands), out_shape=pixels.shape, **place) <= 127
            else:
                held = np.stack([_equal(band, value) for band, value in zip(pixels, self._nodata)])
            valid &= ~(held.all(axis=0) if self._all_bands else held.any(axis=0))
        if self._mask:
            valid &= dataset.read_masks(self.bands[0], out_shape=pixels.shape[1:], **place) > (127 if averaged else 0)
        if self.alpha is not None:
            alpha = dataset.read(self.alpha.band, out_shape=pixels.shape[1:], **place)
            valid &= alpha > (self.alpha.opaque / 2 if averaged else 0)
        for low, high, every in self._ranges:
            held = _equal(pixels, low) if low == high else (pixels >= low) & (pixels <= high)
            valid &= ~(held.all(axis=0) if every else held.any(axis=0))
        for fill in self.fills:
            valid &= ~fill.covers(pixels, window)
        if self._is_noisy and not averaged and pixels.shape[1:] == (int(window.height), int(window.width)):
            valid &= ~self._noise(dataset, window)
        return valid

    def _noise(self, dataset: Any, window: Any) -> np.ndarray:
        """Noise of lossy compression around what one value says is no data, (h, w) bool; looks beyond the window, so that windows agree."""
        values = [low for low, high, every in self._ranges if every and low == high]
        centres: list[tuple[tuple, Fill | None]] = [((value,) * len(self.bands), None) for value in values]
        centres += [(fill.value, fill) for fill in self.fills]
        if self._nodata is not None and self._all_bands:
            centres.append((self._nodata, None))
        if not centres:
            return np.zeros((int(window.height), int(window.width)), bool)
        top, left = max(0, int(window.row_off) - NOISE_PX), max(0, int(window.col_off) - NOISE_PX)
        bottom = min(dataset.height, int(window.row_off + window.height) + NOISE_PX)
        right = min(dataset.width, int(window.col_off + window.width) + NOISE_PX)
        around = Window(left, top, right - left, bottom - top)
        pixels = dataset.read(list(self.bands), window=around)
        found = np.zeros(pixels.shape[1:], bool)
        for value, fill in centres:
            held = holds(pixels, value) if fill is None else fill.covers(pixels, around)
            if held.any():
                off = np.abs(pixels.astype(np.int16) - np.array(value, np.float32)[:, None, None])
                found |= _spread(held, off.max(axis=0) <= NOISE, NOISE_PX)
        row, col = int(window.row_off) - top, int(window.col_off) - left
        return found[row : row + int(window.height), col : col + int(window.width)]


def _spread(held: np.ndarray, allowed: np.ndarray, steps: int) -> np.ndarray:
    """What is connected to ``held`` through ``allowed`` by at most so many steps; (h, w) bool each."""
    found = held
    for _ in range(steps):
        grown = np.pad(found, 1)
        grown = (grown[:-2, 1:-1] | grown[2:, 1:-1] | grown[1:-1, :-2] | grown[1:-1, 2:]) & allowed
        if not (grown & ~found).any():
            break
        found = found | grown
    return found


def _equal(pixels: np.ndarray, value: float | None) -> np.ndarray:
    if value is None or np.isnan(value):
        return np.zeros(pixels.shape, bool)  # NaN is no data whatever the tag says
    if pixels.dtype.kind == "f":
        return np.abs(pixels - pixels.dtype.type(value)) <= _ULPS * abs(value)
    return pixels == value


def averaged(pixels: np.ndarray, valid: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the valid ones among each ``size`` × ``size`` pixels, (bands, h, w) float32, and (h, w) bool where at least half are; 0 elsewhere."""
    bands, height, width = pixels.shape
    blocks = (height // size, size, width // size, size)
    weight = valid.reshape(blocks).sum(axis=(1, 3), dtype=np.float32)
    total = np.where(valid, pixels, 0).reshape(bands, *blocks).sum(axis=(2, 4), dtype=np.float64)
    enough = weight >= size * size / 2
    return np.where(enough, total / np.maximum(weight, 1), 0).astype(np.float32), enough
