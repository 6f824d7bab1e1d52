"""The area of interest: a polygon file in any CRS, or an extent, cut to the ground that both rasters share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fiona
import numpy as np
import shapely
from fiona.errors import FionaError
from fiona.model import to_dict
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform as transform_points
from shapely.errors import ShapelyError

from ..contract.errors import AreaError, NoOverlapError
from ..contract.request import CaptionRequest
from . import access, around, vector
from .grid import TileGrid
from .pair import RasterPair

# An edge that becomes a curve is followed at points: so many along the area at first, then as many as its bend needs, up to the limit.
_EDGE_PARTS, _MOST_POINTS = 64, 200_000
_EXACT_PX = 0.05
# In units of any CRS: farther than any place on the earth, and shorter than any edge that bends.
_FARTHEST, _SHORTEST = 1e10, 1e-9
# All land of the earth at 0.1 m has 2e11 tiles; a run of more than this is a slip of the keyboard.
MAX_TILES = 1_000_000_000


def tile_grid(request: CaptionRequest, pair: RasterPair) -> TileGrid:
    """Tiles over the ground that both rasters share, within the request's AOI or extent.

    Raises
    ------
    AreaError
        The AOI is unreadable, empty, of zero size, not polygons, or has no CRS; there would be no tiles, or more than MAX_TILES.
    NoOverlapError
        The AOI or extent shares no ground with the rasters.
    """
    area, what = pair.overlap, None
    if request.aoi is not None:
        asked, what = read_area(request.aoi, pair.crs, _EXACT_PX * abs(pair.transform.determinant) ** 0.5), f"the AOI {request.aoi}"
    elif request.extent is not None:
        asked, what = shapely.box(*request.extent), f"the extent {request.extent}"
    if what is not None:
        left, _, right, _ = pair.overlap.bounds
        area = shapely.intersection(pair.overlap, around.repeated(asked, left, right, pair.before.turn))
        if area.area <= 0:
            shared, bounds = (tuple(f"{value:.8g}" for value in geometry.bounds) for geometry in (pair.overlap, asked))
            raise NoOverlapError(
                f"{what} lies off the rasters: it spans ({', '.join(bounds)}), they share ({', '.join(shared)}) in {pair.crs.to_string()[:40]}",
                "an area on the ground that both rasters share",
                "check the area's coordinates and CRS (an extent is in the CRS of the before raster)",
            )
    grid = TileGrid(pair.height, pair.width, pair.transform, pair.crs, request.tile_px, request.overlap_px, area)
    most = (grid.window.height // grid.stride_px + 1) * (grid.window.width // grid.stride_px + 1)
    if most > MAX_TILES:
        raise AreaError(
            f"{most:,} tiles of {request.tile_px} px with an overlap of {request.overlap_px} px over {grid.window.height} × {grid.window.width} px",
            f"at most {MAX_TILES:,} tiles",
            "take a smaller area, a coarser resolution, or less overlap",
        )
    if next(iter(grid), None) is None:
        got = f"{what or 'the ground that both rasters share'} covers no more than a thousandth of a pixel"
        raise AreaError(got, "an area of some pixels", "draw a larger one")
    return grid


def read_area(path: str, crs: Any, within: float = 1.0) -> Any:
    """All polygons of a vector layer as one geometry.

    Parameters
    ----------
    path : str
        Any file that GDAL reads; ``path|layername=NAME`` picks a layer.
    crs : rasterio CRS
        Wanted.
    within : float
        How far straight edges in the file's CRS may lie off their curves in ``crs``, in units of ``crs``.

    Returns
    -------
    shapely Polygon or MultiPolygon in ``crs``, valid.

    Raises
    ------
    AreaError
    """
    file, layer = _split(path)
    access.allow(file)
    try:
        opened = vector.as_gdal_has_it(file)
        with fiona.open(opened, layer=layer or _only_layer(opened)) as collection:
            wkt = collection.crs_wkt
            shapes = [shapely.geometry.shape(to_dict(feature.geometry)) for feature in collection if feature.geometry is not None]
    except (FionaError, OSError, ValueError, AttributeError, ShapelyError) as error:
        if vector.is_locked(file):
            raise AreaError(f"the AOI {path} is locked by another program", *vector.LOCKED) from error
        raise AreaError(
            f"the AOI {path} cannot be read ({vector.reason(file, error)})", "a polygon file that GDAL reads", "check the path and the layer's name"
        ) from error
    if not shapes:
        raise AreaError(f"the AOI {path} is empty", "at least one polygon", "choose a layer with polygons")
    # Written so that NaN counts as wrong. GEOS crashes on some numbers near the largest that there are.
    if not (np.abs(shapely.get_coordinates(shapes)) <= _FARTHEST).all():
        raise AreaError(f"the AOI {path} has coordinates that are no place on the earth", "finite coordinates", "correct its geometry")
    polygons = [part for shape in shapes for part in _polygons(shapely.force_2d(shape))]
    if not polygons:
        kinds = ", ".join(sorted({shape.geom_type for shape in shapes}))
        raise AreaError(f"the AOI {path} holds {kinds}", "polygons of more than zero size", "draw the area as a polygon, or buffer lines and points")
    area = shapely.union_all(polygons)
    if not wkt:
        raise AreaError(f"the AOI {path} has no CRS", "polygons with a CRS", "assign one, for example: ogr2ogr -a_srs EPSG:CODE out.gpkg in.shp")
    return _projected(area, wkt, crs, within, path)


def _split(path: str) -> tuple[str, str | None]:
    file, options = vector.split_layer(path)
    if set(options) - {"layername"} or "" in options.values():
        raise AreaError(f"the AOI {path}", "path or path|layername=NAME", "save filtered features or a layer chosen by number as a file of their own")
    return file, options.get("layername")


def _only_layer(file: str) -> str:
    """Name of the file's one layer with geometry (QGIS keeps its styles in a table beside it)."""
    layers = fiona.listlayers(file)
    if not layers:
        do = "save the area itself in a file; links to other files are not followed"
        raise AreaError(f"the AOI {file} holds no layer", "a layer with polygons", do)
    spatial = []
    for name in layers:
        with fiona.open(file, layer=name) as collection:
            if collection.schema["geometry"] != "None":
                spatial.append(name)
    if len(spatial) > 1:
        raise AreaError(f"the AOI {file} holds the layers {', '.join(spatial)}", "one layer", f"name one: {file}|layername={spatial[0]}")
    return (spatial or layers)[0]


def _polygons(geometry: Any) -> list:
    parts = shapely.get_parts(shapely.make_valid(geometry)).tolist()
    if any(part.geom_type == "GeometryCollection" or part.geom_type.startswith("Multi") for part in parts):
        return [polygon for part in parts for polygon in _polygons(part)]
    return [part for part in parts if part.geom_type == "Polygon" and part.area > 0]


def _projected(area: Any, wkt: str, crs: Any, within: float, path: str) -> Any:
    try:
        source, turn = CRS.from_wkt(wkt), around.turn(crs)
        area = around.unwrapped(area, around.turn(source), around.ANTIMERIDIAN)
        if source == crs:
            return area
        _verify_degrees(area, source, path)
        moved = _curved(area, lambda points: np.column_stack(transform_points(source, crs, points[:, 0], points[:, 1])[:2]), within, turn)
    except (RasterioError, CPLE_BaseError, ValueError, ShapelyError) as error:
        raise AreaError(f"the CRS of the AOI {path} cannot be related to the rasters' ({error})", "a valid CRS", "reproject the AOI") from error
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise AreaError(f"the AOI {path} reaches where the rasters' CRS is not defined", "an area near the rasters", "clip the AOI to the rasters")
    polygons = _polygons(around.unwrapped(moved, turn))
    if not polygons:
        raise AreaError(f"the AOI {path} has zero size in the rasters' CRS", "an area of some size", "check its CRS")
    return shapely.union_all(polygons)


def _verify_degrees(area: Any, source: Any, path: str) -> None:
    """Check the coordinates of a CRS of longitude and latitude. Metres in a GeoJSON that names no CRS are a frequent slip."""
    left, bottom, right, top = area.bounds
    if source.is_geographic and (max(-left, right) > 540 or max(-bottom, top) > 90):
        spans = f"({left:.8g}, {bottom:.8g}, {right:.8g}, {top:.8g})"
        got = f"the AOI {path} spans {spans}, which are no degrees, and its CRS is {source.to_string()[:40]}"
        do = "assign the CRS that it was drawn in: ogr2ogr -a_srs EPSG:CODE out.gpkg in.geojson"
        raise AreaError(got, "coordinates of the file's CRS (a GeoJSON that names none is in longitude and latitude)", do)


def _curved(area: Any, move: Callable[[np.ndarray], np.ndarray], within: float, turn: float | None) -> Any:
    """The area moved, its edges followed within some distance as far as _MOST_POINTS allow; ``turn`` is that of the CRS it is moved to."""
    left, bottom, right, top = area.bounds
    step = max(right - left, top - bottom) / _EDGE_PARTS
    if step <= _SHORTEST:
        return shapely.transform(area, move)
    points, rings = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shapely.segmentize(area, step))), return_index=True)
    same = rings[1:] == rings[:-1]
    moved, middles = move(points), move((points[1:] + points[:-1]) / 2)
    with np.errstate(invalid="ignore"):  # where the CRS is not defined
        right, up = ((moved[1:] + moved[:-1]) / 2 - middles)[same].T
        if turn:  # the ends of an edge may lie on both sides of the cut, their mean then half a turn away
            right -= turn / 2 * np.rint(right / (turn / 2))
        off = np.hypot(right, up)
    # Of a curve twice as many points lie a quarter as far off.
    step /= max(1.0, (off.max(initial=0.0) / within) ** 0.5)
    return shapely.transform(shapely.segmentize(area, max(step, area.length / _MOST_POINTS)), move)
