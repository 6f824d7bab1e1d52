"""The area of interest: polygons of any file and CRS, as one geometry in the grid's CRS."""

from __future__ import annotations

import math
from pathlib import Path

import fiona
from affine import Affine
from fiona.errors import FionaError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform_geom
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union
from shapely.validation import make_valid

from ..errors import AreaError
from .grid import PixelWindow


def read_area(aoi: str, crs: CRS) -> BaseGeometry:
    """Union of the polygons of a file, in ``crs``.

    Parameters
    ----------
    aoi : path of a vector file; ``path|layername=NAME`` picks a layer

    Raises
    ------
    AreaError
        Missing or unreadable file, no CRS, no polygon, or polygons without area.
    """
    path, _, layer = aoi.partition("|layername=")
    layer = layer.partition("|")[0]
    if not path.startswith("/vsi") and not Path(path).exists():
        raise AreaError(f"the area file {path} does not exist", "a polygon file", "check the path")
    try:
        with fiona.open(path, layer=layer or None) as source:
            source_crs = source.crs_wkt
            shapes = [shape(feature.geometry) for feature in source if feature.geometry is not None]
    except (FionaError, ValueError, OSError) as error:
        raise AreaError(
            f"{aoi} cannot be read as polygons ({error})", "a vector file that GDAL reads", "check the file and the layer's name"
        ) from error
    if not source_crs:
        raise AreaError(f"{path} has no CRS", "polygons with a CRS", "assign the right CRS to the layer and save it again")
    polygons = [make_valid(geometry) for geometry in shapes if "Polygon" in geometry.geom_type]
    if not polygons:
        kinds = sorted({geometry.geom_type for geometry in shapes}) or ["nothing"]
        raise AreaError(f"{path} holds {', '.join(kinds)} and no polygon", "at least one polygon", "choose a polygon layer")
    area = unary_union(polygons)
    if area.area == 0:
        raise AreaError(f"the polygons of {path} have no area", "polygons with an area", "draw the area anew")
    return _reproject(area, source_crs, crs, path)


def extent_window(extent: tuple[float, float, float, float], transform: Affine, height: int, width: int) -> PixelWindow:
    """The pixels that an extent (x0, y0, x1, y1 in the grid's CRS) touches.

    Raises
    ------
    AreaError
        It lies outside the raster.
    """
    x0, y0, x1, y1 = extent
    cols, rows = zip(*(~transform * corner for corner in ((x0, y0), (x0, y1), (x1, y0), (x1, y1))))
    # A thousandth of a pixel of rounding does not add a row or a column.
    window = PixelWindow(
        max(0, math.floor(min(rows) + 1e-3)),
        max(0, math.floor(min(cols) + 1e-3)),
        min(height, math.ceil(max(rows) - 1e-3)),
        min(width, math.ceil(max(cols) - 1e-3)),
    )
    if window.row_start >= window.row_stop or window.col_start >= window.col_stop:
        raise AreaError(
            f"the extent {extent} lies outside the before raster",
            "an extent over both rasters, in the before raster's CRS",
            "check its numbers and CRS",
        )
    return window


def intersect(a: PixelWindow, b: PixelWindow) -> PixelWindow:
    """The pixels in both windows.

    Raises
    ------
    AreaError
        There are none.
    """
    window = PixelWindow(max(a.row_start, b.row_start), max(a.col_start, b.col_start), min(a.row_stop, b.row_stop), min(a.col_stop, b.col_stop))
    if window.row_start >= window.row_stop or window.col_start >= window.col_stop:
        raise AreaError("an area that lies outside the ground that both rasters cover", "an area over both rasters", "move or enlarge the area")
    return window


def _reproject(area: BaseGeometry, source_crs: str, crs: CRS, path: str) -> BaseGeometry:
    try:
        moved = shape(transform_geom(CRS.from_wkt(source_crs), crs, area.__geo_interface__))
    except (RasterioError, ValueError) as error:
        raise AreaError(f"{path} cannot be brought into the raster's CRS ({error})", "polygons near the rasters", "check the layer's CRS") from error
    moved = make_valid(moved)
    if moved.is_empty or not math.isfinite(moved.area) or moved.area == 0:
        raise AreaError(f"the polygons of {path} have no area in the raster's CRS", "polygons near the rasters", "check the layer's CRS")
    return moved
