"""The swipe: a line across the map, the before layer on its left, the after layer on its right."""

from __future__ import annotations

from qgis.core import QgsMapLayer, QgsMapSettings, QgsRasterLayer
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem, QgsMapMouseEvent, QgsMapTool
from qgis.PyQt.QtCore import QPointF, QRectF, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QFont, QImage, QKeyEvent, QPainter, QPen

from ...i18n import tr
from ..map.map_picture import MapPicture

LINE, SHADE, TEXT_BACK = QColor(255, 255, 255), QColor(0, 0, 0, 150), QColor(0, 0, 0, 140)
HANDLE_PX, MARGIN_PX = 11, 8


class SwipeItem(QgsMapCanvasItem):
    """The other map, left of the line.

    Attributes
    ----------
    share : float
        Where the line is, from 0 at the left to 1 at the right of the map.
    """

    def __init__(self, canvas: QgsMapCanvas):
        super().__init__(canvas)
        self._canvas = canvas
        self._image, self._settings = QImage(), QgsMapSettings()
        self.share = 0.5
        self.setZValue(-1)  # above the map, below outlines and bubbles

    def set_share(self, share: float) -> None:
        self.share = min(1.0, max(0.0, share))
        self.update()

    def set_image(self, image: QImage, settings: QgsMapSettings) -> None:
        """Show a picture that was drawn with these settings."""
        self._image, self._settings = image, settings
        self.update()

    def boundingRect(self) -> QRectF:
        size = self._canvas.mapSettings().outputSize()
        return QRectF(0, 0, size.width(), size.height())

    def updatePosition(self) -> None:
        self.prepareGeometryChange()
        self.setPos(0, 0)

    def paint(self, painter: QPainter, _option=None, _widget=None) -> None:
        whole = self.boundingRect()
        x = self.share * whole.width()
        painter.save()
        painter.setClipRect(QRectF(0, 0, x, whole.height()))
        place = self._place()
        if place is not None:
            painter.drawImage(place, self._image)
        painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ((SHADE, 4), (LINE, 2)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(x, 0), QPointF(x, whole.height()))
        painter.setBrush(LINE)
        painter.setPen(QPen(SHADE, 1))
        painter.drawEllipse(QPointF(x, whole.height() / 2), HANDLE_PX, HANDLE_PX)
        painter.setPen(QPen(SHADE, 2))
        for side in (-1, 1):
            tip = QPointF(x + side * 7, whole.height() / 2)
            painter.drawLine(tip, tip + QPointF(-side * 4, -4))
            painter.drawLine(tip, tip + QPointF(-side * 4, 4))
        self._write(painter, x)

    def _place(self) -> QRectF | None:
        """Where the picture belongs on the map as it is now, which may have moved since; None where that is no rectangle along the axes."""
        now = self._canvas.mapSettings()
        if self._image.isNull() or now.destinationCrs() != self._settings.destinationCrs() or now.rotation() != self._settings.rotation():
            return None
        if now.extent() == self._settings.extent():
            return self.boundingRect()
        if now.rotation() != 0:
            return None
        extent, to_pixels = self._settings.visibleExtent(), self._canvas.getCoordinateTransform()
        left_top = to_pixels.transform(extent.xMinimum(), extent.yMaximum())
        right_bottom = to_pixels.transform(extent.xMaximum(), extent.yMinimum())
        return QRectF(QPointF(left_top.x(), left_top.y()), QPointF(right_bottom.x(), right_bottom.y()))

    def _write(self, painter: QPainter, x: float) -> None:
        """Name both sides beside the line."""
        font = QFont(painter.font())
        font.setBold(True)
        painter.setFont(font)
        for text, side in ((tr("Before"), -1), (tr("After"), 1)):
            size = painter.fontMetrics().boundingRect(text).size()
            left = x + MARGIN_PX if side > 0 else x - MARGIN_PX - size.width() - 2 * MARGIN_PX
            box = QRectF(left, MARGIN_PX, size.width() + 2 * MARGIN_PX, size.height() + MARGIN_PX)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(TEXT_BACK)
            painter.drawRoundedRect(box, 4, 4)
            painter.setPen(LINE)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


class SwipeTool(QgsMapTool):
    """Drag anywhere to move the line; wheel and arrow keys move the map; Escape or another tool ends it.

    Parameters
    ----------
    restore : callable
        Gives the canvas the project's layers back.

    Signals
    -------
    stopped : the swipe has ended, whoever ended it
    """

    stopped = pyqtSignal()

    def __init__(self, canvas: QgsMapCanvas, restore):
        super().__init__(canvas)
        self._restore = restore
        self._left: list[QgsMapLayer] = []
        self._previous: QgsMapTool | None = None
        self.item: SwipeItem | None = None
        self._picture = MapPicture(self)
        self._picture.drawn.connect(self._drawn)
        self._drawing = QgsMapSettings()
        self.setCursor(Qt.CursorShape.SplitHCursor)

    @property
    def active(self) -> bool:
        return self.item is not None

    def start(self, before: QgsRasterLayer, after: QgsRasterLayer) -> None:
        canvas = self.canvas()
        above = [layer for layer in canvas.layers() if not isinstance(layer, QgsRasterLayer)]
        self._left, self._previous = [*above, before], canvas.mapTool()
        self.item = SwipeItem(canvas)
        canvas.setLayers([*above, after])
        canvas.mapCanvasRefreshed.connect(self._draw)
        canvas.setMapTool(self)
        self._draw()

    def stop(self) -> None:
        """End the swipe and give the canvas its layers and its tool back."""
        if self.item is None:
            return
        canvas, previous = self.canvas(), self._previous
        self._end()
        if canvas.mapTool() is self:
            canvas.unsetMapTool(self)
            if previous is not None:
                canvas.setMapTool(previous)

    def dispose(self) -> None:
        self.stop()
        self._picture.dispose()

    def deactivate(self) -> None:
        self._end()  # for the tool that takes over: it is no time to set another
        super().deactivate()

    def canvasPressEvent(self, event: QgsMapMouseEvent) -> None:
        self._move(event)

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:
        self._move(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.stop()
            event.accept()

    def _end(self) -> None:
        item, self.item = self.item, None
        if item is None:
            return
        self.canvas().mapCanvasRefreshed.disconnect(self._draw)
        self._picture.stop()
        self.canvas().scene().removeItem(item)
        self._left, self._previous = [], None
        self._restore()
        self.stopped.emit()

    def _move(self, event: QgsMapMouseEvent) -> None:
        if self.item is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self.item.set_share(event.pos().x() / max(1, self.canvas().width()))

    def _draw(self) -> None:
        """Draw the before map as the canvas is now."""
        self._drawing = QgsMapSettings(self.canvas().mapSettings())
        self._drawing.setLayers(self._left)
        self._picture.draw(self._drawing)

    def _drawn(self, image: QImage) -> None:
        if self.item is not None:
            self.item.set_image(image, self._drawing)
