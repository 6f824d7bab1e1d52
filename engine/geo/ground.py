"""Ground size of pixels, and the pixel grid at a wanted ground resolution.

Ground size is measured, not read off the transform: the step from one pixel to the next at the raster's centre is turned into
longitude and latitude and from there into a straight line in space between points of the WGS 84 ellipsoid. So degrees, feet and Web Mercator's
stretched metres all come out right, at the poles and on the antimeridian too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from affine import Affine
from rasterio.warp import transform as transform_points

from ..contract.errors import RasterError

# WGS 84: semi-major axis in metres, square of the eccentricity.
_A_M, _E2 = 6_378_137.0, 0.006694379990141317
_NEAR = 1e-6
# A pixel this near the wanted size is taken as it is: resampling would only blur. A "0.5 m" raster in UTM is 0.4998 to 0.5005 m on the ground.
_ALIKE = 0.01


def pixel_size_m(crs: Any, transform: Affine, height: int, width: int, what: str = "the raster") -> tuple[float, float]:
    """Ground size of the pixel at the centre: (height_m, width_m); ``what`` names the raster in errors.

    Raises
    ------
    RasterError
        The CRS cannot be related to longitude and latitude.
    """
    points = [transform * (width / 2 + dx, height / 2 + dy) for dx, dy in ((-0.5, 0), (0.5, 0), (0, -0.5), (0, 0.5))]
    try:
        left, right, upper, lower = _in_space(*transform_points(crs, "EPSG:4326", *zip(*points))[:2])
        width_m, height_m = math.dist(left, right), math.dist(upper, lower)
    except Exception as error:  # PROJ's failures come as several GDAL classes that share no base
        do = "check both with gdalinfo; if they are right, unset PROJ_LIB and PROJ_DATA and see `changescribe doctor`"
        raise RasterError(f"the centre of {what} has no place on the earth ({error})", "a CRS and a place that belong together", do) from error
    if not (math.isfinite(width_m) and math.isfinite(height_m) and min(width_m, height_m) > 0):
        got = f"the pixels of {what} have no size on the ground at its centre"
        raise RasterError(got, "a CRS and a place that belong together", "check both with gdalinfo")
    return height_m, width_m


def _in_space(lons: list[float], lats: list[float]) -> np.ndarray:
    """Points of the ellipsoid (degrees) as (n, 3) metres from the earth's centre."""
    lon, lat = np.radians(lons), np.radians(lats)
    normal = _A_M / np.sqrt(1 - _E2 * np.sin(lat) ** 2)
    return np.column_stack([normal * np.cos(lat) * np.cos(lon), normal * np.cos(lat) * np.sin(lon), normal * (1 - _E2) * np.sin(lat)])


def at_resolution(crs: Any, transform: Affine, height: int, width: int, gsd_m: float) -> tuple[Affine, int, int]:
    """The grid over the same ground, from the same upper left corner, whose pixels are ``gsd_m`` metres wide and high.

    Returns
    -------
    transform, height, width
        The raster's own where its pixels are within 1 % of ``gsd_m``; else the last row and column may reach past the raster by less
        than a pixel.
    """
    height_m, width_m = pixel_size_m(crs, transform, height, width)
    down, across = gsd_m / height_m, gsd_m / width_m
    if abs(down - 1) < _ALIKE and abs(across - 1) < _ALIKE:
        return transform, height, width
    return transform * Affine.scale(across, down), max(1, math.ceil(height / down - _NEAR)), max(1, math.ceil(width / across - _NEAR))
