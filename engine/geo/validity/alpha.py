"""Which band of a raster is transparency.

GDAL tags the fourth of four bands of bytes as alpha unless it is told otherwise, so that the near infrared of NAIP and many others bears the tag.
The values tell them apart: of those above 0 an alpha band has mostly one (opaque, or one opacity for the whole layer), or it changes smoothly
(feathered edges); what a sensor measures does neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from ...contract.errors import InputError
from ..stretch import sample_windows

LATTICE, WINDOW_PX = 8, 64
MOSTLY = 0.5
# A second difference of so little of the range is a gradient, not texture.
SMOOTH = 1.5 / 255
SOFT_SHARE = 0.001


@dataclass(frozen=True)
class Alpha:
    """The transparency band: data where it is above 0.

    band : counted from 1.
    opaque : the most frequent value above 0.
    soft : whether there are values beside 0 and ``opaque``.
    """

    band: int
    opaque: float
    soft: bool


def find_alpha(dataset: Any, wanted: int | None, name: str) -> tuple[Alpha | None, str | None]:
    """The band that is transparency, and what the user should know of it.

    Parameters
    ----------
    dataset : rasterio dataset
    wanted : band counted from 1, 0 for none, None to go by the tags and the values.
    name : "before" or "after", for messages.

    Raises
    ------
    InputError
        A band that the raster does not have.
    """
    if wanted == 0:
        return None, None
    if wanted is not None:
        if wanted > dataset.count:
            got = f"band {wanted} as transparency of the {name} raster {dataset.name}, which has {dataset.count}"
            raise InputError(got, "one of its bands, or 0 for none", f"correct alpha of {name}_nodata")
        return _look(dataset, wanted)[0], None
    tagged = [band for band, colour in zip(dataset.indexes, dataset.colorinterp) if colour == ColorInterp.alpha]
    if not tagged:
        return _untagged(dataset, name)
    alpha, measured = _look(dataset, tagged[-1])
    if measured and dataset.count > 1:
        note = f"band {alpha.band} of the {name} raster is tagged as transparency but holds measured values (near infrared?): it hides nothing"
        return None, note
    return alpha, None


def _untagged(dataset: Any, name: str) -> tuple[Alpha | None, str | None]:
    """The last band, though no tag says so, where it holds nothing but 0 and the largest value of its type (multispectral drone cameras)."""
    band = dataset.count
    kind = np.dtype(dataset.dtypes[band - 1])
    if band not in (2, 4) and band < 5 or dataset.colorinterp[band - 1] != ColorInterp.undefined or kind.kind != "u":
        return None, None
    alpha, _ = _look(dataset, band)
    if alpha.soft or alpha.opaque != np.iinfo(kind).max:
        return None, None
    return alpha, f"band {band} of the {name} raster has no tag and holds only 0 and {np.iinfo(kind).max}: taken as transparency"


def _look(dataset: Any, band: int) -> tuple[Alpha, bool]:
    """The band as transparency, and whether its values rather look measured."""
    parts, bends = [], []
    for ref in sample_windows(dataset.height, dataset.width, LATTICE, WINDOW_PX):
        values = dataset.read(band, window=Window(ref.col_off, ref.row_off, ref.width, ref.height)).astype(np.float64)
        values = np.nan_to_num(values)
        parts.append(values[values > 0])
        if values.shape[1] > 2:
            inside = (values[:, :-2] > 0) & (values[:, 1:-1] > 0) & (values[:, 2:] > 0)
            bends.append(np.abs(values[:, :-2] - 2 * values[:, 1:-1] + values[:, 2:])[inside])
    seen = np.concatenate(parts)
    if not seen.size:
        return Alpha(band, 1.0, False), False
    values, counts = np.unique(seen, return_counts=True)
    most, share = float(values[counts.argmax()]), counts.max() / seen.size
    bend = np.concatenate(bends) if bends else np.zeros(1)
    smooth = bend.size > 0 and float(np.median(bend)) <= SMOOTH * values[-1]
    return Alpha(band, most, bool(1 - share > SOFT_SHARE)), bool(share < MOSTLY and not smooth)
