"""Every form of nodata as one bool mask: nodata value, alpha band, internal or .msk mask, NaN and infinity.

A nodata value that may also be a measured one (0 or more, in an integer raster) counts only where all bands hold it: a dark
pixel may well be 0 in blue. A negative one, or any in a floating-point raster, counts where any band holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rasterio.enums import MaskFlags, Resampling


def read_valid(dataset: Any, bands: Sequence[int], pixels: np.ndarray, window: Any) -> np.ndarray:
    """Validity of pixels just read.

    Parameters
    ----------
    dataset : rasterio dataset
    bands : distinct bands, as read.
    pixels : (bands, h, w), any dtype, read from ``window`` (perhaps decimated, which averages the mask too).
    window : rasterio Window

    Returns
    -------
    (h, w) bool, True where there is data.
    """
    valid = np.isfinite(pixels).all(axis=0) if pixels.dtype.kind == "f" else np.ones(pixels.shape[1:], bool)
    every = dataset.mask_flag_enums
    flags = [every[band - 1] for band in bands]
    if all(MaskFlags.all_valid in flag for flag in flags):
        return valid
    masks = dataset.read_masks(list(bands), window=window, out_shape=pixels.shape, resampling=Resampling.average)
    # Decimated, a mask is the mean of 0 and 255; not decimated, any alpha above 0 is data, as GDAL has it.
    decimated = pixels.shape[1:] != (int(window.height), int(window.width))
    masks = masks > (127 if decimated else 0)
    ambiguous = all(MaskFlags.nodata in flag and _may_be_measured(dataset, band) for flag, band in zip(flags, bands))
    return valid & (masks.any(axis=0) if ambiguous else masks.all(axis=0))


def _may_be_measured(dataset: Any, band: int) -> bool:
    nodata = dataset.nodatavals[band - 1]
    return np.issubdtype(np.dtype(dataset.dtypes[band - 1]), np.integer) and nodata is not None and nodata >= 0
