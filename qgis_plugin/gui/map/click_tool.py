"""The map tool: a click captions the tile under it."""

from __future__ import annotations

from collections.abc import Callable

from qgis.core import QgsApplication, QgsCoordinateReferenceSystem, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsMapMouseEvent, QgsMapToolEmitPoint, QgsRubberBand
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor, QKeyEvent

from ....engine.contract.errors import Cancelled, ChangeScribeError
from ....engine.contract.tiles import UNCHANGED_TEXT
from ...client.worker_client import EngineClient
from ...i18n import tr
from ..results.bubble import CaptionBubble
from ..results.compare import tile_geometry
from ..results.tiles import caption_text, classes_text
from ..run.ask import AskTask
from ..run.point import PointRequest
from ..run.request import explain

OUTLINE = QColor(0, 114, 178)


class TileCache:
    """Tiles by ``PointRequest.key``, found again by a point inside their footprint."""

    def __init__(self) -> None:
        self._tiles: dict[str, list[dict]] = {}

    def put(self, key: str, tile: dict) -> None:
        self._tiles.setdefault(key, []).append(tile)

    def find(self, key: str, point: QgsPointXY) -> dict | None:
        return next((tile for tile in self._tiles.get(key, []) if tile_geometry(tile).contains(point)), None)


class ClickTool(QgsMapToolEmitPoint):
    """Click → outline and bubble.

    Parameters
    ----------
    make_request : callable
        Gives the request for a point in a CRS; raises ChangeScribeError when the panel is not filled in.
    """

    def __init__(self, canvas: QgsMapCanvas, make_request: Callable[[QgsPointXY, QgsCoordinateReferenceSystem], PointRequest]):
        super().__init__(canvas)
        self._make_request = make_request
        self.cache = TileCache()
        self.task: AskTask | None = None
        self._place = QgsPointXY()
        self._asked: PointRequest | None = None
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
        self._place = point
        try:
            asked = self._asked = self._make_request(point, self.canvas().mapSettings().destinationCrs())
        except ChangeScribeError as error:
            self.bubble.say(point, tr("No caption"), explain(error))
            return
        known = self.cache.find(asked.key, asked.point)
        if known is not None:
            self._show(known, asked)
            return
        lines = [] if EngineClient.instance().ready else [tr("The engine is starting; this takes a few seconds, once per session.")]
        lines += [tr("A run is in progress. This starts when it finishes.")] if EngineClient.instance().captioning else []
        lines += [tr("Fetching {} there.", export.name) for export in asked.exports]
        self.bubble.say(point, tr("Captioning…"), "\n".join(lines))
        message = {"type": "caption_at", "request": asked.request, "x": asked.point.x(), "y": asked.point.y()}
        self.task = AskTask(tr("ChangeScribe: caption a tile"), message, asked.exports)
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

    def _answered(self) -> None:
        task, self.task = self.task, None
        asked = self._asked
        if task is None or asked is None or isinstance(task.error, Cancelled):
            self.bubble.hide()
        elif task.error is not None or task.result is None:
            self.bubble.say(self._place, tr("No caption"), explain(task.error) if task.error else tr("the engine gave no answer"))
        else:
            self.cache.put(asked.key, task.result["tile"])
            self._show(task.result["tile"], asked, task.notes)

    def _show(self, tile: dict, asked: PointRequest, notes: list[str] | None = None) -> None:
        properties = tile["properties"]
        self.outline.setToGeometry(tile_geometry(tile), asked.crs)
        detail = "\n".join([bubble_detail(properties), *(notes or [])])
        self.bubble.say(self._place, caption_text(properties) or UNCHANGED_TEXT, detail.strip())


def bubble_detail(properties: dict) -> str:
    """The lines below the caption: the answer to a question, classes, one line a sign, then scores."""
    lines = [properties.get("answer") or "", classes_text(properties, "\n")]
    if properties.get("change_score") is not None:
        scores = {"change": properties["change_score"], "caption": properties.get("score") or 0, "model": properties["model"]}
        lines.append(tr("change {change:.0%} · caption {caption:.0%} · {model}", **scores))
    return "\n".join(line for line in lines if line)
