"""One mask for both dates: the model sees only ground that both have, and the same fill elsewhere in both.

A tile with a strip of no data in one date alone looks like a scene in which something was removed: with a strip of 120 columns, scribe-s called
41 % of real unchanged pairs changed. docs/joint-mask.md measures the fills that were tried (``python -m tests.bench.nodata``).
"""

from __future__ import annotations

import numpy as np

MID_GREY = 128  # of a tile that shows no common ground at all


def fill_jointly(before: np.ndarray, after: np.ndarray, valid_before: np.ndarray, valid_after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give both dates one colour wherever either has no data: the mean of what both show on their common ground.

    Parameters
    ----------
    before, after : uint8 (..., 3, H, W)
    valid_before, valid_after : bool (..., H, W), True where a date has data; False in padding too

    Returns
    -------
    before, after : uint8 (..., 3, H, W); the same arrays where both dates have data everywhere
    """
    valid = valid_before & valid_after
    if valid.all():
        return before, after
    common = valid[..., None, :, :]
    total = before.sum(axis=(-2, -1), where=common, dtype=np.int64) + after.sum(axis=(-2, -1), where=common, dtype=np.int64)
    pixels = 2 * common.sum(axis=(-2, -1))
    colour = np.where(pixels > 0, (total + pixels // 2) // np.maximum(pixels, 1), MID_GREY).astype(np.uint8)[..., None, None]
    return np.where(common, before, colour), np.where(common, after, colour)
