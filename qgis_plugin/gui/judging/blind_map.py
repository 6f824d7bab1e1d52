"""The map of who judges: the two rasters alone. Captions on it would give away what the model said."""

from __future__ import annotations

from collections.abc import Callable

from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsCsException, QgsGeometry, QgsProject
from qgis.gui import QgsMapCanvas, QgsRubberBand
from qgis.PyQt.QtCore import QObject, Qt, QTimer
from qgis.PyQt.QtGui import QColor

from ..results.compare import AROUND

OUTLINE = QColor(255, 220, 0)


class BlindMap(QObject):
    """Keeps every other layer off the canvas while it is active, and outlines the tile; the layer tree stays as it is.

    Parameters
    ----------
    layers : callable
        Gives the before and the after layer, either of which may be None.
    restore : callable
        Gives the canvas the project's layers back.
    """

    def __init__(self, canvas: QgsMapCanvas, layers: Callable, restore: Callable[[], None], parent: QObject | None = None):
        super().__init__(parent)
        self._canvas, self._layers, self._restore = canvas, layers, restore
        self.active = False
        self._outline: QgsRubberBand | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._hide_others)
        canvas.layersChanged.connect(self._layers_changed)

    def set_active(self, active: bool) -> None:
        was, self.active = self.active, active
        if active:
            self.show()
        elif was:
            self._timer.stop()
            self._remove_outline()
            self._restore()

    def show(self) -> None:
        """The after raster, or the before raster where there is none."""
        if self.active:
            self._canvas.setLayers([layer for layer in reversed(self._layers()) if layer is not None][:1])
        else:
            self._restore()

    def zoom(self, shape: QgsGeometry, crs: QgsCoordinateReferenceSystem) -> bool:
        """Show a tile, outlined, and what lies around it; whether it has a place in the map's CRS."""
        self._remove_outline()
        placed = QgsGeometry(shape)
        try:
            placed.transform(QgsCoordinateTransform(crs, self._canvas.mapSettings().destinationCrs(), QgsProject.instance()))
        except QgsCsException:
            return False
        if self.active:
            self._outline = QgsRubberBand(self._canvas, placed.type())
            self._outline.setFillColor(QColor(0, 0, 0, 0))
            self._outline.setStrokeColor(OUTLINE)
            self._outline.setWidth(2)
            self._outline.setLineStyle(Qt.PenStyle.DashLine)
            self._outline.setToGeometry(placed, None)
        box = placed.boundingBox()
        box.grow(AROUND * max(box.width(), box.height()))
        self._canvas.setExtent(box)
        self._canvas.refresh()
        return True

    def dispose(self) -> None:
        self._canvas.layersChanged.disconnect(self._layers_changed)
        self.set_active(False)

    def _remove_outline(self) -> None:
        outline, self._outline = self._outline, None
        if outline is not None:
            self._canvas.scene().removeItem(outline)

    def _layers_changed(self) -> None:
        self._timer.start(0)  # whoever changes them is not done yet

    def _hide_others(self) -> None:
        if self.active and any(layer not in self._layers() for layer in self._canvas.layers()):
            self.show()
