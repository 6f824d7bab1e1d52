"""A speech bubble on the map that stays at its place when the map moves."""

from __future__ import annotations

from qgis.core import QgsPointXY
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QEvent, QPoint, Qt, QTimer
from qgis.PyQt.QtGui import QColor, QPainter, QPainterPath, QPalette, QPen
from qgis.PyQt.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout

from ...i18n import tr
from ..plain import plain_label

WIDTH_PX, TAIL_PX, RADIUS_PX, MARGIN_PX = 300, 14, 8, 6
BORDER = QColor(0, 114, 178)


class CaptionBubble(QFrame):
    """Child of the canvas; its tail points at ``anchor`` (map coordinates)."""

    def __init__(self, canvas: QgsMapCanvas):
        super().__init__(canvas)
        self._canvas = canvas
        self._anchor: QgsPointXY | None = None
        self._tail = QPoint()
        self.setFixedWidth(WIDTH_PX)
        self.text, self.detail = plain_label(), plain_label()
        for label in (self.text, self.detail):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        font = self.text.font()
        font.setPointSizeF(font.pointSizeF() * 1.1)
        font.setBold(True)
        self.text.setFont(font)
        close = QToolButton()
        close.setText("✕")
        close.setAutoRaise(True)
        close.setToolTip(tr("Close (Escape)"))
        close.clicked.connect(self.hide)
        row = QHBoxLayout()
        row.addWidget(self.text, 1)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(12, 8, 6, 10 + TAIL_PX)
        self._layout.addLayout(row)
        self._layout.addWidget(self.detail)
        self.hide()
        canvas.extentsChanged.connect(self.reposition)
        canvas.viewport().installEventFilter(self)

    def say(self, anchor: QgsPointXY, text: str, detail: str = "") -> None:
        """Show ``text`` at a point in map coordinates."""
        self._anchor = anchor
        self.text.setText(text)
        self.detail.setText(detail)
        self.detail.setVisible(bool(detail))
        self.reposition()
        self.show()
        self.raise_()

    def reposition(self) -> None:
        """Move to the anchor: above it if there is room, else below, and always inside the canvas sideways."""
        if self._anchor is None:
            return
        scene = self._canvas.getCoordinateTransform().transform(self._anchor)
        # mapFromScene follows a map that is being dragged, whose extent changes only at the end.
        spot = self._canvas.mapFromScene(scene.x(), scene.y())
        above = spot.y() >= self._height(True) + MARGIN_PX
        self._layout.setContentsMargins(12, 8 if above else 8 + TAIL_PX, 6, 10 + TAIL_PX if above else 10)
        height = self._height(above)
        left = min(max(spot.x() - WIDTH_PX // 3, MARGIN_PX), max(MARGIN_PX, self._canvas.width() - WIDTH_PX - MARGIN_PX))
        top = spot.y() - height if above else spot.y()
        self.setGeometry(left, top, WIDTH_PX, height)
        self._tail = spot - QPoint(left, top)
        self.update()

    def eventFilter(self, _watched, event) -> bool:
        if self.isVisible() and event.type() in (QEvent.Type.MouseMove, QEvent.Type.Resize):
            QTimer.singleShot(0, self.reposition)  # after the canvas has dealt with it
        return False

    def dispose(self) -> None:
        self._canvas.viewport().removeEventFilter(self)
        self._canvas.extentsChanged.disconnect(self.reposition)
        self.hide()
        self.setParent(None)
        self.deleteLater()

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(BORDER, 2))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Base))
        painter.drawPath(self._outline())

    def _height(self, above: bool) -> int:
        self._layout.setContentsMargins(12, 8 if above else 8 + TAIL_PX, 6, 10 + TAIL_PX if above else 10)
        self._layout.activate()
        return self._layout.totalHeightForWidth(WIDTH_PX)

    def _outline(self) -> QPainterPath:
        above = self._tail.y() > self.height() / 2
        body = self.rect().adjusted(1, 1, -2, -2)
        if above:
            body.setBottom(body.bottom() - TAIL_PX)
        else:
            body.setTop(body.top() + TAIL_PX)
        path, tail = QPainterPath(), QPainterPath()
        path.addRoundedRect(float(body.x()), float(body.y()), float(body.width()), float(body.height()), RADIUS_PX, RADIUS_PX)
        foot = min(max(self._tail.x(), body.left() + 2 * RADIUS_PX), body.right() - 2 * RADIUS_PX)
        edge = body.bottom() - 1 if above else body.top() + 1
        tip = self.height() - 2 if above else 1
        tail.moveTo(foot - TAIL_PX / 2, edge)
        tail.lineTo(self._tail.x(), tip)
        tail.lineTo(foot + TAIL_PX / 2, edge)
        tail.closeSubpath()
        return path.united(tail)
