"""The map tool: a click captions the tile under it."""

from __future__ import annotations

import json
from collections.abc import Callable

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsPointXY,
    QgsProject,
    QgsTask,
    QgsWkbTypes,
)
from qgis.gui import QgsMapCanvas, QgsMapMouseEvent, QgsMapToolEmitPoint, QgsRubberBand
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QKeyEvent

from ...engine.errors import AreaError, Cancelled, ChangeScribeError, EngineError
from ...engine.schema import UNCHANGED_TEXT
from ..client.worker_client import EngineClient
from ..i18n import tr
from .bubble import CaptionBubble
from .compare import tile_geometry
from .request import explain
from .results import caption_text, classes_text

OUTLINE = QColor(0, 114, 178)
# Members that do not change what a tile's caption says.
IRRELEVANT = ("extent", "aoi", "device", "batch_size", "max_nodata")


class CaptionAtTask(QgsTask):
    """Asks the engine for the tile under a point of the before raster's CRS."""

    ended = pyqtSignal()

    def __init__(self, request: dict, x: float, y: float):
        super().__init__(tr("ChangeScribe: caption a tile"), QgsTask.Flag.CanCancel)
        self._message = {"type": "caption_at", "request": request, "x": x, "y": y}
        self.tile: dict | None = None
        self.error: ChangeScribeError | None = None

    def run(self) -> bool:
        try:
            self.tile = EngineClient.instance().submit(self._message).wait(self.isCanceled)["tile"]
        except ChangeScribeError as error:
            self.error = error
        except Exception as error:  # an exception out of QgsTask.run would crash QGIS
            self.error = EngineError(explain(error), "", tr("try again"))
        return self.error is None

    def finished(self, _ok: bool) -> None:
        self.ended.emit()


class TileCache:
    """Tiles by request, found again by a point inside their footprint."""

    def __init__(self) -> None:
        self._tiles: dict[str, dict[str, dict]] = {}

    @staticmethod
    def key(request: dict) -> str:
        return json.dumps({name: value for name, value in request.items() if name not in IRRELEVANT}, sort_keys=True)

    def put(self, request: dict, tile: dict) -> None:
        self._tiles.setdefault(self.key(request), {})[tile["properties"]["tile_id"]] = tile

    def find(self, request: dict, point: QgsPointXY) -> dict | None:
        tiles = self._tiles.get(self.key(request), {}).values()
        return next((tile for tile in tiles if tile_geometry(tile).contains(point)), None)


class ClickTool(QgsMapToolEmitPoint):
    """Click → outline and bubble.

    Parameters
    ----------
    make_request : callable
        Gives the request's JSON and the before layer's CRS; raises ChangeScribeError when the panel is not filled in.
    """

    def __init__(self, canvas: QgsMapCanvas, make_request: Callable[[], tuple[dict, QgsCoordinateReferenceSystem]]):
        super().__init__(canvas)
        self._make_request = make_request
        self.cache = TileCache()
        self.task: CaptionAtTask | None = None
        self._clicked: tuple[QgsPointXY, dict, QgsCoordinateReferenceSystem] = (QgsPointXY(), {}, QgsCoordinateReferenceSystem())
        self.setCursor(Qt.CursorShape.WhatsThisCursor)
        self.bubble = CaptionBubble(canvas)
        self.outline = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        self.outline.setStrokeColor(OUTLINE)
        self.outline.setFillColor(QColor(0, 0, 0, 0))
        self.outline.setWidth(3)

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.ask(event.mapPoint())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            event.accept()

    def deactivate(self) -> None:
        self.clear()
        super().deactivate()

    def ask(self, point: QgsPointXY) -> None:
        """Caption the tile under a point in map coordinates."""
        self.clear()
        try:
            request, crs = self._make_request()
            place = self._into(point, crs)
        except ChangeScribeError as error:
            self.bubble.say(point, tr("No caption"), explain(error))
            return
        self._clicked = (point, request, crs)
        known = self.cache.find(request, place)
        if known is not None:
            self._show(known)
            return
        starting = "" if EngineClient.instance().ready else tr("The engine is starting; this takes a few seconds once a session.")
        self.bubble.say(point, tr("Captioning…"), starting)
        self.task = CaptionAtTask(request, place.x(), place.y())
        self.task.ended.connect(self._answered)
        QgsApplication.taskManager().addTask(self.task)

    def clear(self) -> None:
        """Take bubble and outline away and forget a question that is on its way."""
        task, self.task = self.task, None
        if task is not None:
            task.ended.disconnect(self._answered)
            task.cancel()
        self.bubble.hide()
        self.outline.reset(QgsWkbTypes.GeometryType.PolygonGeometry)

    def dispose(self) -> None:
        self.clear()
        if self.canvas().mapTool() is self:
            self.canvas().unsetMapTool(self)
        self.canvas().scene().removeItem(self.outline)
        self.bubble.dispose()

    def _into(self, point: QgsPointXY, crs: QgsCoordinateReferenceSystem) -> QgsPointXY:
        transform = QgsCoordinateTransform(self.canvas().mapSettings().destinationCrs(), crs, QgsProject.instance())
        try:
            return transform.transform(point)
        except QgsCsException as error:
            raise AreaError(
                tr("the point has no place in {crs} ({error})", crs=crs.authid(), error=error), tr("a point on the rasters"), tr("click on them")
            ) from error

    def _answered(self) -> None:
        task, self.task = self.task, None
        point, request, _crs = self._clicked
        if task is None or isinstance(task.error, Cancelled):
            self.bubble.hide()
        elif task.error is not None or task.tile is None:
            self.bubble.say(point, tr("No caption"), explain(task.error) if task.error else tr("the engine gave no answer"))
        else:
            self.cache.put(request, task.tile)
            self._show(task.tile)

    def _show(self, tile: dict) -> None:
        point, _request, crs = self._clicked
        properties = tile["properties"]
        self.outline.setToGeometry(tile_geometry(tile), crs)
        self.bubble.say(point, caption_text(properties) or UNCHANGED_TEXT, bubble_detail(properties))


def bubble_detail(properties: dict) -> str:
    """The lines below the caption: classes, one line a sign, then scores."""
    lines = [classes_text(properties, "\n")]
    if properties.get("change_score") is not None:
        scores = {"change": properties["change_score"], "caption": properties.get("score") or 0, "model": properties["model"]}
        lines.append(tr("change {change:.0%} · caption {caption:.0%} · {model}", **scores))
    return "\n".join(line for line in lines if line)
