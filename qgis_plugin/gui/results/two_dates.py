"""Both dates on the map: in turn, or on either side of a line. The project's layers stay as they are."""

from __future__ import annotations

from collections.abc import Callable

from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, QTimer
from qgis.PyQt.QtWidgets import QPushButton

from .compare import ComparePanel
from .swipe import SwipeTool

FLICKER_MS = 700


class TwoDates(QObject):
    """Flicker and swipe behind the buttons of a ComparePanel; one at a time.

    Parameters
    ----------
    layers : callable
        Gives the before and the after layer, either of which may be None.
    restore : callable
        Gives the canvas the project's layers back.
    """

    def __init__(self, canvas: QgsMapCanvas, buttons: ComparePanel, layers: Callable, restore: Callable[[], None], parent: QObject | None = None):
        super().__init__(parent)
        self._layers = layers
        self.flicker, self.swipe = Flicker(canvas, restore, self), SwipeTool(canvas, restore)
        self._buttons = buttons
        buttons.flicker.toggled.connect(lambda on: self._toggle(on, self.flicker, buttons.swipe))
        buttons.swipe.toggled.connect(lambda on: self._toggle(on, self.swipe, buttons.flicker))
        self.swipe.stopped.connect(lambda: buttons.swipe.setChecked(False))
        QgsProject.instance().layersWillBeRemoved.connect(self._layers_go)

    def stop(self) -> None:
        self._buttons.flicker.setChecked(False)
        self._buttons.swipe.setChecked(False)

    def dispose(self) -> None:
        self.stop()
        self.swipe.dispose()
        QgsProject.instance().layersWillBeRemoved.disconnect(self._layers_go)

    def _toggle(self, on: bool, way: Flicker | SwipeTool, other: QPushButton) -> None:
        before, after = self._layers()
        if not on:
            way.stop()
        elif before is None or after is None:
            self.stop()
        else:
            other.setChecked(False)
            way.start(before, after)

    def _layers_go(self, _ids: list[str]) -> None:
        self.stop()


class Flicker(QObject):
    """Shows the before and the after layer in turn on the canvas; the layer tree is not touched.

    Parameters
    ----------
    restore : callable
        Gives the canvas the project's layers back.
    """

    def __init__(self, canvas: QgsMapCanvas, restore, parent: QObject | None = None):
        super().__init__(parent)
        self._canvas, self._restore = canvas, restore
        self._frames: list[list[QgsMapLayer]] = []
        self._shown = 0
        self._timer = QTimer(self)
        self._timer.setInterval(FLICKER_MS)
        self._timer.timeout.connect(self._turn)

    @property
    def active(self) -> bool:
        return self._timer.isActive()

    def start(self, before: QgsRasterLayer, after: QgsRasterLayer) -> None:
        above = [layer for layer in self._canvas.layers() if not isinstance(layer, QgsRasterLayer)]
        self._frames, self._shown = [[*above, before], [*above, after]], 0
        self._canvas.setLayers(self._frames[0])
        self._timer.start()

    def stop(self) -> None:
        if self.active:
            self._timer.stop()
            self._frames = []
            self._restore()

    def _turn(self) -> None:
        self._shown = 1 - self._shown
        self._canvas.setLayers(self._frames[self._shown])
