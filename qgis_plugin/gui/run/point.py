"""Requests about one tile: of a click on the map, and of the preview. Of layers that are no file only that tile's ground is fetched."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingUtils,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
)

from ....engine.contract.errors import AreaError
from ....engine.contract.options import AREA, CAPTION, SPEED, TILES
from ....engine.contract.request import OPTIONS, CaptionRequest
from ...i18n import tr
from ...layers.exports import Export
from ...layers.rasters import check_on_rasters, exports_of, grid_of, nodata_members, prepare_pair
from ...layers.sources import Area, engine_opens, local_file
from ..form.estimate import ground_m, shared_ground, wanted_gsd_m
from .request import checked_layers, processing_context

# Members that change neither what a tile's caption says nor, of further ones, its pixels. The area decides only which tiles there are.
NOT_OF_CAPTION = tuple(name for name, row in OPTIONS.items() if row.affects in (AREA, SPEED))
NOT_OF_PIXELS = tuple(name for name, row in OPTIONS.items() if row.affects in (TILES, CAPTION, SPEED) and name != "model")
SPECK_M = 10.0
Extent = tuple[float, float, float, float]


@dataclass(frozen=True)
class PointRequest:
    """A request, the CRS of its grid, what must be written first, and a point of the grid.

    key : the same for requests with the same answer at a point; files count with their size and time, layers that are no file by their source and
        not by the file they are fetched to.
    """

    request: dict
    crs: QgsCoordinateReferenceSystem
    exports: list[Export]
    point: QgsPointXY
    key: str


def click_request(form, point: QgsPointXY, crs: QgsCoordinateReferenceSystem) -> PointRequest:
    """Request for the tile at a point in a CRS.

    Raises
    ------
    InputError
        The form makes no request, or the layers do not reach the point.
    """
    before, after = checked_layers(form)
    context = processing_context()
    place = _into(point, crs, before.crs())
    tile = None if _all_files(before, after) else _tile_about(place, before, after, form.options(), context)
    return _request(form, place, tile, None, NOT_OF_CAPTION)


def preview_request(form) -> PointRequest:
    """Request for the preview of the form's run: of the area, or of a tile in its middle where something must be fetched.

    Raises
    ------
    InputError
        The form makes no request, or its area does not touch both layers.
    """
    before, after = checked_layers(form)
    area, context = form.area.area(), processing_context()
    box = shared_ground(before, after, Area(area.bounds, area.crs) if area is not None else None, context)
    if box.isEmpty():
        raise AreaError(tr("an area outside the layers"), tr("an area on the ground that both rasters share"), tr("choose another area"))
    tile = None if _all_files(before, after) else _tile_about(box.center(), before, after, form.options(), context)
    # The bounds of an area are enough for a look: nothing is written.
    extent = None if area is None or tile is not None else (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())
    return _request(form, box.center(), tile, extent, NOT_OF_PIXELS)


def _request(
    form, point: QgsPointXY, tile: Area | None, extent: tuple[float, float, float, float] | None, irrelevant: tuple[str, ...]
) -> PointRequest:
    before, after = form.layers()
    # A look at one tile knows no polygons, and shows all of it.
    members, bands = {**form.options(), "clip": False}, (form.before_bands.bands(), form.after_bands.bands())
    folder = str(Path(QgsProcessingUtils.tempFolder()) / f"changescribe_{uuid.uuid4().hex}")
    rasters = prepare_pair(before, after, ([], []), tile, folder, processing_context(), members["resolution"])
    members.update(nodata_members(rasters))
    request = CaptionRequest(rasters[0].path, rasters[1].path, *bands, extent=extent, **members)
    request.verify()
    said = request.to_json()
    lasting = {name: value for name, value in said.items() if name not in irrelevant}
    lasting.update({role: layer.source() for role, layer in (("before", before), ("after", after)) if not engine_opens(layer)})
    lasting["stamps"] = [_stamp(layer) for layer in (before, after)]
    return PointRequest(said, before.crs(), exports_of(rasters), point, json.dumps(lasting, sort_keys=True))


def _stamp(layer: QgsRasterLayer) -> tuple[int, int] | None:
    """What differs once a layer's file is written anew; None for layers that are no file."""
    path = local_file(layer)
    if path is None:
        return None
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _all_files(before: QgsRasterLayer, after: QgsRasterLayer) -> bool:
    return engine_opens(before) and engine_opens(after)


def _tile_about(point: QgsPointXY, before: QgsRasterLayer, after: QgsRasterLayer, options: dict, context: QgsProcessingContext) -> Area:
    """Ground to fetch for the tile at a point (in the before layer's CRS).

    Tiles are counted from the before layer's corner. If it is a file, the point's tile reaches at most a tile's side from the point; else what is
    fetched is itself the raster, and a little less than a tile of it makes one tile with the point in its middle.

    Raises
    ------
    NoOverlapError
        One of the layers does not reach it.
    """
    crs = before.crs()
    if engine_opens(before):
        pixel, reach = (before.rasterUnitsPerPixelX(), before.rasterUnitsPerPixelY()), 1.0
    else:
        speck = SPECK_M / ground_m(crs, point, 1.0)
        pixel, reach = grid_of(before, after, Area(_about(point, speck, speck), crs), options["resolution"], context).pixel, 0.499
    native_m = ground_m(crs, point, pixel[1])
    side = reach * options["tile_px"] * wanted_gsd_m(options, native_m) / native_m
    tile = Area(_about(point, side * pixel[0], side * pixel[1]), crs)
    check_on_rasters(tile, before, after, context)
    return tile


def _about(point: QgsPointXY, half_x: float, half_y: float) -> QgsRectangle:
    return QgsRectangle(point.x() - half_x, point.y() - half_y, point.x() + half_x, point.y() + half_y)


def _into(point: QgsPointXY, crs: QgsCoordinateReferenceSystem, other: QgsCoordinateReferenceSystem) -> QgsPointXY:
    try:
        return QgsCoordinateTransform(crs, other, QgsProject.instance()).transform(point)
    except QgsCsException as error:
        got = tr("the point cannot be transformed to {crs} ({reason})", crs=other.authid(), reason=error)
        raise AreaError(got, tr("a point on the rasters"), tr("click on them")) from error
