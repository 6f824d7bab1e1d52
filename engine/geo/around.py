"""Once round the earth: coordinate systems whose x returns to where it began.

Longitude does: 180.1° and −179.9° are one meridian. So does x in every cylindrical projection (Web Mercator, PDC Mercator, plate carrée). PROJ
answers within one turn, about the projection's central meridian; files hold any: 0 to 360°, past 180°, or polygons cut at it. Here coordinates
are brought onto one turn, so that all other code may compute with plain numbers.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import shapely
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform as transform_points

_LONS = np.arange(-180.0, 180.0, 15.0)
# Of a turn. An edge this long joins points on both sides of the antimeridian and is drawn the wrong way round (GDAL's -wrapdateline takes 10° too).
ANTIMERIDIAN = 340 / 360
HALF = 0.5


@functools.lru_cache(64)
def turn(crs: Any) -> float | None:
    """How far x runs once round the earth, in units of the CRS; None where x does not return (UTM, polar, conic, local).

    Parameters
    ----------
    crs : rasterio CRS or None
    """
    if not crs:
        return None
    if crs.is_geographic:
        return round(2 * math.pi / crs.units_factor[1], 9)
    try:
        described = crs.to_dict(projjson=True)
        while "base_crs" not in described:  # with heights (compound), or with a shift to WGS 84 (bound)
            described = described["components"][0] if "components" in described else described["source_crs"]
        base = CRS.from_user_input(described["base_crs"])
        (equator, _), (north, _) = (transform_points(base, crs, _LONS, np.full_like(_LONS, lat))[:2] for lat in (0.0, 40.0))
    except (RasterioError, CPLE_BaseError, KeyError, TypeError, ValueError):
        return None
    steps = np.diff(equator)
    step = float(np.median(steps))
    ok = np.isfinite(equator).all() and step > 0 and np.allclose(equator, north, rtol=0, atol=1e-6 * step)
    # One step may cross the cut.
    return step * 360 / 15 if ok and (np.abs(steps - step) > 1e-6 * step).sum() <= 1 else None


def turns_to(x: float, near: float, around: float | None) -> int:
    """Whole turns from ``x`` to its place nearest to ``near``."""
    return round((near - x) / around) if around and math.isfinite(x) else 0


def unwrapped(geometry: Any, around: float | None, least: float = HALF) -> Any:
    """Polygons whose edges never jump to the other side of the cut.

    Parameters
    ----------
    geometry : shapely Polygon or MultiPolygon
    around : as ``turn`` has it
    least : edges at least so long, in turns, are jumps; those of a whole turn are edges of the world and stay
    """
    if not around:
        return geometry
    parts = shapely.get_parts(geometry)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    points, of_ring = shapely.get_coordinates(rings, return_index=True)
    starts = np.flatnonzero(np.r_[True, of_ring[1:] != of_ring[:-1]])
    steps = np.diff(points[:, 0], prepend=points[:1, 0]) / around
    steps[starts] = 0
    jumps = np.where((np.abs(steps) >= least) & (np.abs(steps) < 1), -np.rint(steps), 0)
    turns = np.cumsum(jumps)
    turns -= turns[starts][of_ring]
    ends = np.r_[starts[1:], len(points)] - 1
    turns[(turns[ends] != 0)[of_ring]] = 0  # a ring round a pole has no two sides
    if not turns.any():
        return geometry
    points[:, 0] += turns * around
    left, right = (reach.reduceat(points[:, 0], starts) for reach in (np.minimum, np.maximum))
    centres = (left + right) / 2
    first = np.flatnonzero(np.r_[True, of_part[1:] != of_part[:-1]])
    holes = np.rint((centres[first][of_part] - centres) / around)  # a hole may begin on the other side
    points[:, 0] += holes[of_ring] * around
    return shapely.union_all(shapely.make_valid(shapely.set_coordinates(parts.copy(), points)))


def copies(xs: np.ndarray, left: float, right: float, around: float | None) -> list[tuple[np.ndarray, list[float]]]:
    """Where places of one tile lie in a raster between two x.

    Parameters
    ----------
    xs : as PROJ gives them, hence perhaps on both sides of the cut

    Returns
    -------
    For each turn in which the raster reaches the tile: the places, now side by side, and how far right of ``xs`` they are: one
    distance, or one for each side of the cut.
    """
    if not around:
        return [(xs, [0.0])]
    beside = xs + around * np.rint((xs[len(xs) // 2] - xs) / around)
    first, last = math.ceil((left - beside.max()) / around), math.floor((right - beside.min()) / around)
    found = []
    for turns in range(first, last + 1):
        moved = beside + turns * around
        found.append((moved, [by * around for by in np.unique(np.rint((moved - xs) / around)).tolist()]))
    return found


def repeated(geometry: Any, left: float, right: float, around: float | None) -> Any:
    """The geometry wherever it lies between two x, whichever turn it is given in; itself where it lies nowhere there."""
    if not around or geometry.is_empty:
        return geometry
    west, _, east, _ = geometry.bounds
    turns = range(math.ceil((left - east) / around), math.floor((right - west) / around) + 1)
    if not turns or turns == range(1):
        return geometry
    return shapely.union_all([shapely.transform(geometry, lambda points, by=by: points + (by * around, 0)) for by in turns])
