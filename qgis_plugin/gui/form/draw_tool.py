"""A map tool that draws one rectangle or polygon."""

from __future__ import annotations

from qgis.core import QgsGeometry, QgsPointXY, QgsRectangle, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsMapMouseEvent, QgsMapTool, QgsRubberBand
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QKeyEvent

STROKE, FILL = QColor(0, 114, 178), QColor(0, 114, 178, 40)


def area_band(canvas: QgsMapCanvas) -> QgsRubberBand:
    """An empty polygon rubber band in the area's colours."""
    band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
    band.setStrokeColor(STROKE)
    band.setFillColor(FILL)
    band.setWidth(2)
    return band


class DrawTool(QgsMapTool):
    """Rectangle: drag. Polygon: click the corners, right click closes it, Escape starts again.

    Signals
    -------
    drawn : QgsGeometry, a polygon in the map's CRS
    """

    drawn = pyqtSignal(QgsGeometry)

    def __init__(self, canvas: QgsMapCanvas, is_rectangle: bool):
        super().__init__(canvas)
        self._is_rectangle = is_rectangle
        self._points: list[QgsPointXY] = []
        self._before = canvas.mapTool()
        self._band = area_band(canvas)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def canvasPressEvent(self, event: QgsMapMouseEvent) -> None:
        if self._is_rectangle and event.button() == Qt.MouseButton.LeftButton:
            self._points = [event.mapPoint()]

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:
        if self._points:
            self._band.setToGeometry(self._shape(event.mapPoint()), None)

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:
        if self._is_rectangle:
            shape = self._shape(event.mapPoint()) if self._points else QgsGeometry()
            self._points = []
            self._emit(shape)
        elif event.button() == Qt.MouseButton.RightButton:
            points, self._points = self._points, []
            self._emit(QgsGeometry.fromPolygonXY([points]) if len(points) >= 3 else QgsGeometry())
        else:
            self._points.append(event.mapPoint())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._points = []
            self._band.reset(QgsWkbTypes.GeometryType.PolygonGeometry)

    def finish(self) -> None:
        """Remove the rubber band and give the canvas its earlier tool back."""
        self.canvas().scene().removeItem(self._band)
        if self.canvas().mapTool() is self:
            self.canvas().unsetMapTool(self)
            if self._before is not None:
                self.canvas().setMapTool(self._before)

    def _shape(self, point: QgsPointXY) -> QgsGeometry:
        if self._is_rectangle:
            return QgsGeometry.fromRect(QgsRectangle(self._points[0], point))
        return QgsGeometry.fromPolygonXY([[*self._points, point]])

    def _emit(self, shape: QgsGeometry) -> None:
        self._band.reset(QgsWkbTypes.GeometryType.PolygonGeometry)
        if not shape.isEmpty() and shape.area() > 0:
            self.drawn.emit(shape)
