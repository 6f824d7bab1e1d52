"""Which bands of a raster are red, green and blue.

In this order: the bands asked for; band descriptions that name them ("red", or Sentinel-2's and Landsat 8's B04, B03, B02);
the colour interpretation; a palette (one band); the first band thrice where there are fewer than three; 3, 2, 1 for four untagged
bands deeper than 8 bit (satellite products come as blue, green, red, near infrared); else 1, 2, 3. Alpha is never data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rasterio.enums import ColorInterp

from ..errors import InputError

_NAMES = (re.compile(r"red\b|r$|b0?4\b", re.I), re.compile(r"green\b|g$|b0?3\b", re.I), re.compile(r"blue\b|b$|b0?2\b", re.I))
_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


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
    tagged = _by_description(dataset, data) or _by_colour(dataset, data)
    if tagged:
        return tagged, None
    if len(data) < 3:
        return (data[0],) * 3, None
    if len(data) == 3 or dataset.dtypes[data[0] - 1] == "uint8":
        return tuple(data[:3]), None
    if len(data) == 4:
        return (data[2], data[1], data[0]), _note(name, dataset, "3, 2, 1 (blue, green, red, near infrared is the usual order)")
    return tuple(data[:3]), _note(name, dataset, "1, 2, 3")


def has_palette(dataset: Any, bands: Sequence[int]) -> bool:
    return len(set(bands)) == 1 and dataset.colorinterp[bands[0] - 1] == ColorInterp.palette


def _by_description(dataset: Any, data: Sequence[int]) -> tuple[int, ...] | None:
    found = [[i for i in data if pattern.match((dataset.descriptions[i - 1] or "").strip())] for pattern in _NAMES]
    return tuple(indexes[0] for indexes in found) if all(len(indexes) == 1 for indexes in found) else None


def _by_colour(dataset: Any, data: Sequence[int]) -> tuple[int, ...] | None:
    found = [[i for i in data if dataset.colorinterp[i - 1] == colour] for colour in _COLOURS]
    return tuple(indexes[0] for indexes in found) if all(found) else None


def _note(name: str, dataset: Any, choice: str) -> str:
    return f"the {dataset.count} bands of the {name} raster are not tagged: {choice} taken for red, green, blue; name the bands if that is wrong"
