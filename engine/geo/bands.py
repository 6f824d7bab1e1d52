"""Which bands of a raster are red, green and blue.

In this order: the bands asked for; band descriptions that name the colours; the bands' central wavelengths; descriptions that number the bands
(B04, B03, B02 of Sentinel-2 and Landsat 8, B3, B2, B1 of Landsat 4 to 7); the colour interpretation; a palette (one band); the first band
thrice where there are fewer than three; for untagged bands, four of bytes excepted, what satellite products with as many bands have
(_USUAL); else 1, 2, 3. Alpha is never data. A choice that is a guess, or that is no true colour, is noted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from rasterio.enums import ColorInterp

from ..contract.errors import InputError

_NAMES = (re.compile(r"red\b(?![ _-]?edge)|r$", re.I), re.compile(r"green\b|g$", re.I), re.compile(r"blue\b|b$", re.I))
_NUMBER = re.compile(r"(?:(?:sr|toa|st)_)?b(?:and)?[ _-]?(0?\d{1,2})(a?)\b", re.I)
_BY_NUMBER = (4, 3, 2)  # red, green, blue of Sentinel-2 and of Landsat 8 and 9
_BY_NUMBER_OF_TM = (3, 2, 1)  # of Landsat 4 to 7
# In names and tags of Landsat's files: LT05_L2SP_…, LANDSAT_5.
_IS_TM, _IS_OLI = re.compile(r"\bL[TEM]0?[4-7]_|landsat[ _-]?[4-7]\b", re.I), re.compile(r"\bL[CO]0?[89]_|landsat[ _-]?[89]\b|sentinel[ _-]?2", re.I)
_UNSEEN = re.compile(r"n\.?i\.?r\b|near[ _-]?infra|infra[ _-]?red|swir|thermal|red[ _-]?edge|pan\b|panchro", re.I)
_LONGEST_SEEN_UM = 0.72
_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
# Sentinel-2's bands 4, 3, 2 (ESA, Sentinel-2 User Handbook, 2015, table 1); no other sensor's red, green or blue is further away.
_WAVELENGTHS_UM, _NEAR_UM = (0.665, 0.560, 0.490), 0.035
# Blue comes first (PlanetScope, RapidEye, Landsat 5 and 7, Sentinel-2's bands of 10 and 20 m), or coastal blue before it (Landsat 8 with 7 or 11
# bands, Sentinel-2 with 12 or 13).
_USUAL = {**dict.fromkeys((4, 5, 6, 10), (3, 2, 1)), **dict.fromkeys((7, 11, 12, 13), (4, 3, 2))}


def choose_bands(dataset: Any, asked: Sequence[int] | None, name: str, alpha: int | None) -> tuple[tuple[int, ...], str | None]:
    """Bands (counted from 1) for red, green, blue, and what the user should know of the choice.

    Parameters
    ----------
    dataset : rasterio dataset
    asked : three band numbers or None
    name : "before" or "after", for messages.
    alpha : the band that is transparency, or None; others that bear its tag are data.

    Raises
    ------
    InputError
        A band that the raster does not have, or its alpha band.
    """
    data = [band for band in dataset.indexes if band != alpha]
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
    named = _by_description(dataset, data) or _by_wavelength(dataset, data)
    if named:
        return named, None
    numbered = _by_number(dataset, data, name)
    if numbered:
        return numbered
    tagged = _by_colour(dataset, data)
    if tagged:
        return tagged, _untrue(dataset, tagged, name)
    if len(data) < 3:
        return (data[0],) * 3, _alone(dataset, data, name)
    if len(data) == 3 or (len(data) == 4 and dataset.dtypes[data[0] - 1] == "uint8"):
        chosen = tuple(data[:3])
        return chosen, _untrue(dataset, chosen, name)
    chosen = tuple(data[place - 1] for place in _USUAL.get(len(data), (1, 2, 3)))
    usual = f", as satellite products of {len(data)} bands have them," if len(data) in _USUAL else ""
    return chosen, _note(name, dataset, f"{', '.join(map(str, chosen))}{usual}")


def has_palette(dataset: Any, bands: Sequence[int]) -> bool:
    return len(set(bands)) == 1 and dataset.colorinterp[bands[0] - 1] == ColorInterp.palette


def _by_description(dataset: Any, data: Sequence[int]) -> tuple[int, ...] | None:
    found = [[i for i in data if pattern.match((dataset.descriptions[i - 1] or "").strip())] for pattern in _NAMES]
    return tuple(indexes[0] for indexes in found) if all(len(indexes) == 1 for indexes in found) else None


def _by_number(dataset: Any, data: Sequence[int], name: str) -> tuple[tuple[int, ...], str | None] | None:
    """By numbers of Landsat or Sentinel-2, whose red, green and blue are 4, 3, 2 or 3, 2, 1; and a note where the numbers do not tell which."""
    found = {band: match for band in data if (match := _NUMBER.match((dataset.descriptions[band - 1] or "").strip()))}
    band_of = {int(match.group(1)): band for band, match in found.items() if not match.group(2)}
    if len(band_of) + sum(bool(match.group(2)) for match in found.values()) < len(found) or not band_of:
        return None  # two of one number
    numbers = set(band_of)
    source = " ".join([os.path.basename(dataset.name), *map(str, dataset.tags().values())])
    # Landsat 4 to 7 begin with blue and end with 7, and without the thermal band 6 nobody else does.
    is_tm = bool(_IS_TM.search(source)) or (1 in numbers and 7 in numbers and 6 not in numbers and max(numbers) == 7)
    wanted = _BY_NUMBER_OF_TM if is_tm else _BY_NUMBER
    if not numbers >= set(wanted):
        return None
    chosen = tuple(band_of[number] for number in wanted)
    padded = any(match.group(1).startswith("0") or match.group(2) for match in found.values())
    sure = is_tm or padded or _IS_OLI.search(source) or 1 not in numbers or max(numbers) > 8
    if sure:
        return chosen, None
    other = ",".join(str(band_of[number]) for number in _BY_NUMBER_OF_TM)
    return chosen, (
        f"the bands of the {name} raster are numbered B1 to B{max(numbers)}: {', '.join(map(str, chosen))} taken for red, green, blue, as in"
        f" Landsat 8; if it is of Landsat 4 to 7, take --{name}-bands {other}"
    )


def _untrue(dataset: Any, chosen: Sequence[int], name: str) -> str | None:
    """A note where a band that is taken for a colour says that it is another, or none that eyes see."""
    for band, colour, own in zip(chosen, ("red", "green", "blue"), _NAMES):
        text = (dataset.descriptions[band - 1] or "").strip()
        wave_um = _wavelength_um(dataset, band)
        other = _UNSEEN.search(text) or any(pattern.match(text) for pattern in _NAMES if pattern is not own)
        if other or (wave_um is not None and wave_um > _LONGEST_SEEN_UM):
            called = f'described as "{text}"' if other else f"of {wave_um:g} µm"
            return (
                f"band {band} of the {name} raster, {called}, is taken for {colour}: the model knows true colours only and errs more on others;"
                f" name the bands (--{name}-bands) if the raster has red, green and blue"
            )
    return None


def _alone(dataset: Any, data: Sequence[int], name: str) -> str | None:
    """A note where a raster of two bands is shown as one of them."""
    if len(data) == 1:
        return None
    described = [dataset.descriptions[band - 1] or "not described" for band in data]
    return f"of the two bands of the {name} raster ({', '.join(described)}) band {data[0]} alone is used, in grey; the model knows colour images only"


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
