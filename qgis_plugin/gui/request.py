"""From the panel's widgets to a verified request, and what can be said of it beforehand."""

from __future__ import annotations

import math
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsDistanceArea,
    QgsPointXY,
    QgsProcessingContext,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
)

from ...engine.errors import ChangeScribeError, OutputError, RasterError
from ...engine.schema import CaptionRequest
from ..i18n import error_text, mark, tr
from ..processing.areas import write_polygons
from ..processing.exports import Export, export_note
from ..processing.models import missing_note, model_row
from ..processing.rasters import check_pair, exports_of, grid_of, prepare_pair
from ..processing.sources import Area, engine_opens, has_grid
from .area import ChosenArea

TILE_PX = 256
MISMATCH = 1.6  # ratio of ground resolutions from which the user is warned
NEW, UNFINISHED, FINISHED, FOREIGN = "new", "unfinished", "finished", "foreign"


@dataclass(frozen=True)
class Estimate:
    """Tiles a run would have (at most), and what speaks against it."""

    tiles: int
    gsd_m: float
    warnings: tuple[str, ...] = ()


def processing_context() -> QgsProcessingContext:
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    return context


def checked_layers(form) -> tuple[QgsRasterLayer, QgsRasterLayer]:
    """Both layers of the form.

    Raises
    ------
    InputError
        One is missing, broken, without CRS, or they do not fit together.
    """
    layers = form.layers()
    for problem, layer in zip((mark("no before layer"), mark("no after layer")), layers):
        if layer is None or not layer.isValid():
            raise RasterError(tr(problem), tr("a raster layer for each date"), tr("add both rasters to the project and choose them"))
    check_pair(layers[0], layers[1], processing_context())
    return layers


def build_request(form, output: Path | None) -> tuple[dict, list[Export]]:
    """The form as a verified request's JSON, and what must be written before it is sent (main thread).

    Parameters
    ----------
    output : Path or None
        Layers and areas that are no file are written into the folder ``STEM_inputs`` beside it, so that an interrupted run can be
        resumed in a later session. None leaves the area out and is for a click; then online layers are refused.

    Raises
    ------
    InputError
        What the user has to mend.
    """
    layers = checked_layers(form)
    area = form.area.area() if output is not None else None
    extent = _extent_of(area, layers[0]) if area is not None else None
    context, members = processing_context(), form.options()
    all_files = all(engine_opens(layer) for layer in layers)
    if output is None:
        if not all_files:
            raise RasterError(tr("a layer that is no file"), tr("two raster files for a click"), tr("save the layer as GeoTIFF, or caption an area"))
        folder = Path()
    else:
        folder = output.with_name(f"{output.stem}_inputs")
        if not all_files or (area is not None and extent is None):
            _make(folder)
    wanted = Area(area.bounds(), area.crs) if area is not None else None
    before, after = prepare_pair(layers[0], layers[1], ([], []), wanted, str(folder), context, members["resolution"])
    if extent is not None:
        members["extent"] = extent
    elif area is not None:
        members["aoi"] = write_polygons(area.geometries, area.crs, area.name, str(folder), context)
    request = CaptionRequest(before.path, after.path, form.before_bands.bands(), form.after_bands.bands(), **members)
    request.verify()
    return request.to_json(), exports_of((before, after))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            tr("{folder} cannot be made ({reason})", folder=folder, reason=error.strerror),
            tr("a folder with write permission"),
            tr("choose another output"),
        ) from error


def _extent_of(area: ChosenArea, before: QgsRasterLayer) -> tuple[float, float, float, float] | None:
    """The request's extent where the area is a rectangle in the before layer's CRS."""
    if area.rectangle is None or area.crs != before.crs():
        return None
    box = area.rectangle
    return (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())


def estimate(form) -> Estimate:
    """Tiles and warnings from the layers' headers; neither engine nor pixels are touched.

    Raises
    ------
    InputError
        The form does not make a request yet.
    """
    before, after = checked_layers(form)
    area = form.area.area()
    options, context = form.options(), processing_context()
    box = Area(after.extent(), after.crs()).into(before.crs(), context).intersect(before.extent())
    if area is not None:
        box = box.intersect(Area(area.bounds(), area.crs).into(before.crs(), context))
    limit = Area(area.bounds(), area.crs) if area is not None else None
    grids = {
        layer: grid_of(layer, other, limit, options["resolution"], context)
        for layer, other in ((before, after), (after, before))
        if not engine_opens(layer)
    }
    pixel_x, pixel_y = grids[before].pixel if before in grids else (before.rasterUnitsPerPixelX(), before.rasterUnitsPerPixelY())
    native_m = ground_m(before.crs(), box.center(), pixel_y)
    card = model_row(options["model"])
    wanted_m = {"native": native_m, "model": card.get("gsd_m") or native_m}.get(options["resolution"], options["resolution"])
    step = (TILE_PX - options["overlap_px"]) * wanted_m / native_m
    tiles = _tiles(box, pixel_x * step, pixel_y * step)
    notes = [export_note(layer, grid) for layer, grid in grids.items()]
    return Estimate(tiles, wanted_m, (*notes, *_warnings(after, native_m, wanted_m, card, tiles)))


def _tiles(box: QgsRectangle, step_x: float, step_y: float) -> int:
    if box.isEmpty():
        return 0
    return max(1, math.ceil(box.width() / step_x - 1e-6)) * max(1, math.ceil(box.height() / step_y - 1e-6))


def _warnings(after: QgsRasterLayer, native_m: float, wanted_m: float, card: dict, tiles: int) -> list[str]:
    found = []
    if card and missing_note(card["id"]):
        found.append(tr("{model} is not installed: {remedy}.", model=card["id"], remedy=missing_note(card["id"])))
    if tiles == 0:
        found.append(tr("The area does not touch the ground that both layers share."))
    if has_grid(after):
        ratio = gsd_m(after) / native_m
        if not 1 / MISMATCH <= ratio <= MISMATCH:
            metres = {"before_m": native_m, "after_m": gsd_m(after)}
            found.append(tr("The dates differ in resolution: {before_m:.2g} m before, {after_m:.2g} m after. After is resampled.", **metres))
    trained_m = card.get("gsd_m")
    if trained_m and not 1 / MISMATCH <= wanted_m / trained_m <= MISMATCH:
        metres = {"trained_m": trained_m, "wanted_m": wanted_m}
        found.append(
            tr("The model was trained at {trained_m:g} m a pixel; this run has {wanted_m:.2g} m. More options › Resolution can resample.", **metres)
        )
    return found


def gsd_m(layer: QgsRasterLayer) -> float:
    """Ground size of a pixel in metres, at the layer's centre."""
    return ground_m(layer.crs(), layer.extent().center(), layer.rasterUnitsPerPixelY())


def ground_m(crs: QgsCoordinateReferenceSystem, at: QgsPointXY, step: float) -> float:
    """Metres on the ground of a step northwards in the units of a CRS."""
    measure = QgsDistanceArea()
    measure.setSourceCrs(crs, QgsProject.instance().transformContext())
    measure.setEllipsoid("WGS84")
    return measure.measureLine(at, QgsPointXY(at.x(), at.y() + step))


def output_state(path: Path) -> str:
    """Whether a file is NEW, an UNFINISHED or FINISHED output of ours, or FOREIGN."""
    if not path.exists():
        return NEW
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1)) as database:
            texts = [row[0] for row in database.execute("SELECT metadata FROM gpkg_metadata")]
    except sqlite3.Error:
        return FOREIGN
    ours = [text for text in texts if 'key="changescribe"' in text]
    if not ours:
        return FOREIGN
    # The engine adds the counts when a run has come to its end.
    return FINISHED if re.search(r"(\"|&quot;)counts(\"|&quot;)\s*:", ours[-1]) else UNFINISHED


def explain(error: Exception) -> str:
    """An error as the panel shows it."""
    return error_text(error) if isinstance(error, ChangeScribeError) else f"{type(error).__name__}: {error}"
