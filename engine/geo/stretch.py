"""One stretch a raster: what turns 16-bit and float pixels into the uint8 RGB that the models know. Never per tile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError

LOW_PERCENT, HIGH_PERCENT = 2.0, 98.0
# The models were trained on plain 8-bit pictures, so 8-bit rasters keep their look, unless they use so little of the range
# (2 % to 98 % of all bands together) that they were scaled wrongly or lie in haze.
MIN_UINT8_RANGE = 40.0


@dataclass(frozen=True)
class Stretch:
    """Linear map of each band, clipped to 0..255. low, high: per band; None keeps uint8 values as they are."""

    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None

    def apply(self, data: np.ndarray) -> np.ndarray:
        """(3, h, w) of any dtype → uint8."""
        if self.low is None or self.high is None:
            return data.astype(np.uint8, copy=False)
        low = np.asarray(self.low, np.float32)[:, None, None]
        scale = 255.0 / np.maximum(np.asarray(self.high, np.float32)[:, None, None] - low, 1e-12)
        scaled = (data.astype(np.float32) - low) * scale
        return np.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0).clip(0, 255).round().astype(np.uint8)


def fit_stretch(samples: np.ndarray, dtype: str, mode: str, name: str) -> Stretch:
    """The raster's stretch from valid sample pixels.

    Parameters
    ----------
    samples : (3, n) valid pixels from all over the raster
    dtype : the raster's data type
    mode : "percentile" or "none"
    name : the raster, for the message

    Raises
    ------
    InputError
        "none" on a raster that is not 8-bit.
    """
    if mode == "none":
        if dtype != "uint8":
            raise InputError(f"stretch 'none' on {name}, whose pixels are {dtype}", "8-bit pixels", "use stretch 'percentile'")
        return Stretch()
    values = samples.astype(np.float32)
    if values.shape[1] == 0:
        return Stretch() if dtype == "uint8" else Stretch((0.0,) * 3, (1.0,) * 3)
    if dtype == "uint8" and np.subtract(*np.percentile(values, (HIGH_PERCENT, LOW_PERCENT))) >= MIN_UINT8_RANGE:
        return Stretch()
    low, high = np.percentile(values, (LOW_PERCENT, HIGH_PERCENT), axis=1)
    return Stretch(tuple(low.tolist()), tuple(high.tolist()))
