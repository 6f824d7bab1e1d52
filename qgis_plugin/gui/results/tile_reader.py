"""The tiles of an output layer, read in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from qgis.core import QgsFeature, QgsVectorLayer
from qgis.PyQt.QtCore import NULL, QObject, QTimer, pyqtSignal

from ....engine.contract.fields import names_of

PIECE = 200  # about ten milliseconds' work


class TileReader(QObject):
    """Reads a layer while the interface goes on; the first piece at once.

    Signals
    -------
    read : list of tile bodies
    finished : all have been read
    """

    read = pyqtSignal(list)
    finished = pyqtSignal()

    def __init__(self, layer: QgsVectorLayer, parent: QObject | None = None):
        super().__init__(parent)
        self._tiles = tiles_of(layer)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._next)

    def start(self) -> None:
        self._next()

    def stop(self) -> None:
        self._timer.stop()

    def _next(self) -> None:
        piece = list(islice(self._tiles, PIECE))
        self.read.emit(piece)
        if len(piece) < PIECE:
            self.finished.emit()
        else:
            self._timer.start(0)


def tiles_of(layer: QgsVectorLayer) -> Iterator[dict]:
    """Tile bodies (properties, footprint) of an output layer, as the engine's messages have them."""
    names = [name for name in names_of() if layer.fields().indexOf(name) >= 0]
    return (_tile(feature, names) for feature in layer.getFeatures())


def _tile(feature: QgsFeature, names: list[str]) -> dict:
    shape = feature.geometry()
    ring = shape.asMultiPolygon()[0][0] if shape.isMultipart() else shape.asPolygon()[0]
    properties = {name: None if feature[name] == NULL else feature[name] for name in names}
    return {"properties": properties, "footprint": [[point.x(), point.y()] for point in ring]}
