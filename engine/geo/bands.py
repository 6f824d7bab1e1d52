"""Which bands of a raster are red, green and blue.

In this order: the bands asked for; band descriptions that name them ("red", or Sentinel-2's and Landsat 8's B04, B03, B02);
the colour interpretation; the bands' central wavelengths; a palette (one band); the first band thrice where there are fewer than three;
for untagged bands deeper than 8 bit what satellite products with as many bands have (_USUAL); else 1, 2, 3. Alpha is never data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rasterio.enums import ColorInterp

from ..errors import InputError

_NAMES = (re.compile(r"red\b|r$|b0?4\b", re.I), re.compile(r"green\b|g$|b0?3\b", re.I), re.compile(r"blue\b|b$|b0?2\b", re.I))
_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
# Sentinel-2's bands 4, 3, 2 (ESA, Sentinel-2 User Handbook, 2015, table 1); no other sensor's red, green or blue is further away.
_WAVELENGTHS_UM, _NEAR_UM = (0.665, 0.560, 0.490), 0.035
# Blue comes first (PlanetScope, RapidEye, Landsat 5 and 7, Sentinel-2's bands of 10 and 20 m), or coastal blue before it (Landsat 8 with 7 or 11
# bands, Sentinel-2 with 12 or 13).
_USUAL = {**dict.fromkeys((4, 5, 6, 10), (3, 2, 1)), **dict.fromkeys((7, 11, 12, 13), (4, 3, 2))}


def choose_bands(dataset: Any, asked: Sequence[int] | None, name: str) -> tuple[tuple[int, ...], str | None]:
    """Bands (counted from 1) for red, green, blue, and what the user should know of the choice.

    Parameters
    ----------
    dataset : rasterio dataset
    asked : three band numbers or None
    name : "before" or "after", for messages.

    Raises
    ------
    InputError
        A band that the raster does not have, or its alpha band.
    """
    data = [i for i, colour in zip(dataset.indexes, dataset.colorinterp) if colour != ColorInterp.alpha]
    if asked is not None:
        wrong = [band for band in asked if band not in data]
        if wrong:
            raise InputError(
                f"band {wrong[0]} asked of the {name} raster {dataset.name}, whose data bands are {data}",
                "three of its data bands (alpha holds no picture)",
                f"correct {name}_bands, or leave it out",
            )
        return tuple(asked), None
    if not data:
        raise InputError(f"the {name} raster {dataset.name} has only an alpha band", "at least one band of data", "choose another raster")
    tagged = _by_description(dataset, data) or _by_colour(dataset, data) or _by_wavelength(dataset, data)
    if tagged:
        return tagged, None
    if len(data) < 3:
        return (data[0],) * 3, None
    if len(data) == 3 or dataset.dtypes[data[0] - 1] == "uint8":
        return tuple(data[:3]), None
    chosen = tuple(data[place - 1] for place in _USUAL.get(len(data), (1, 2, 3)))
    usual = f", as satellite products of {len(data)} bands have them," if len(data) in _USUAL else ""
    return chosen, _note(name, dataset, f"{', '.join(map(str, chosen))}{usual}")


def has_palette(dataset: Any, bands: Sequence[int]) -> bool:
    return len(set(bands)) == 1 and dataset.colorinterp[bands[0] - 1] == ColorInterp.palette


def _by_description(dataset: Any, data: Sequence[int]) -> tuple[int, ...] | None:
    found = [[i for i in data if pattern.match((dataset.descriptions[i - 1] or "").strip())] for pattern in _NAMES]
    return tuple(indexes[0] for indexes in found) if all(len(indexes) == 1 for indexes in found) else None


def _by_colour(dataset: Any, data: Sequence[int]) -> tuple[int, ...] | None:
    found = [[i for i in data if dataset.colorinterp[i - 1] == colour] for colour in _COLOURS]
    return tuple(indexes[0] for indexes in found) if all(found) else None


def _by_wavelength(dataset: Any, data: Sequence[int]) -> tuple[int, ...] | None:
    waves = {band: wave for band in data if (wave := _wavelength_um(dataset, band)) is not None}
    if not waves:
        return None
    nearest = [min(waves, key=lambda band: abs(waves[band] - wanted)) for wanted in _WAVELENGTHS_UM]
    found = all(abs(waves[band] - wanted) <= _NEAR_UM for band, wanted in zip(nearest, _WAVELENGTHS_UM))
    return tuple(nearest) if found else None


def _wavelength_um(dataset: Any, band: int) -> float | None:
    """Central wavelength in µm; GDAL before 3.10 hands on ENVI's own tags only."""
    tags = dataset.tags(band)
    text = dataset.tags(band, ns="IMAGERY").get("CENTRAL_WAVELENGTH_UM") or tags.get("wavelength")
    try:
        wave = float(text)
    except (TypeError, ValueError):
        return None
    return wave / 1000 if wave > 100 else wave  # nanometres; no sensor sees 100 µm


def _note(name: str, dataset: Any, choice: str) -> str:
    return f"the {dataset.count} bands of the {name} raster are not tagged: {choice} taken for red, green, blue; name the bands if that is wrong"
