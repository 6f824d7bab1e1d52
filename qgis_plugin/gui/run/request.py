"""From the panel's widgets to a verified request."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from qgis.core import QgsProcessingContext, QgsProject, QgsRasterLayer

from ....engine.contract.errors import ChangeScribeError, OutputError, RasterError
from ....engine.contract.request import CaptionRequest
from ...i18n import error_text, mark, tr
from ...layers.areas import AreaFile
from ...layers.exports import Export
from ...layers.rasters import check_pair, exports_of, nodata_members, prepare_pair
from ...layers.sources import Area, engine_opens
from ..form.area import ChosenArea

NEW, UNFINISHED, FINISHED, FOREIGN = "new", "unfinished", "finished", "foreign"


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
    bands = (list(form.before_bands.bands() or []), list(form.after_bands.bands() or []))
    check_pair(layers[0], layers[1], processing_context(), bands)
    return layers


def build_request(form, output: Path) -> tuple[dict, list[Export | AreaFile]]:
    """The form as a verified request's JSON, and what must be written before it is sent (main thread).

    Parameters
    ----------
    output : Path
        Layers and areas that are no file are written into the folder ``STEM_inputs`` beside it, so that an interrupted run can be
        resumed in a later session.

    Raises
    ------
    InputError
        What the user has to mend.
    """
    layers = checked_layers(form)
    area = form.area.area()
    extent = _extent_of(area, layers[0]) if area is not None else None
    context, members = processing_context(), form.options()
    folder = output.with_name(f"{output.stem}_inputs")
    if not all(engine_opens(layer) for layer in layers) or (area is not None and extent is None):
        _make(folder)
    wanted = Area(area.bounds, area.crs) if area is not None else None
    before, after = prepare_pair(layers[0], layers[1], ([], []), wanted, str(folder), context, members["resolution"])
    members.update(nodata_members((before, after)))
    if extent is not None:
        members["extent"] = extent
    elif area is not None:
        polygons = AreaFile(area.polygons(), area.crs, area.name, str(folder), context)
        members["aoi"] = polygons.path
    request = CaptionRequest(before.path, after.path, form.before_bands.bands(), form.after_bands.bands(), **members)
    request.verify()
    return request.to_json(), [*exports_of((before, after)), *([polygons] if "aoi" in members else [])]


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
