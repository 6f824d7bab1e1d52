"""Both dates of a tile side by side, and the flicker on the map."""

from __future__ import annotations

from qgis.core import QgsGeometry, QgsMapLayer, QgsMapRendererParallelJob, QgsMapSettings, QgsPointXY, QgsProject, QgsRasterLayer, QgsRectangle
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, QSize, Qt, QTimer
from qgis.PyQt.QtGui import QPixmap
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from ..i18n import tr
from .plain import plain_label
from .results import caption_text, classes_text

THUMB_PX = 256
FLICKER_MS = 700
AROUND = 0.15  # of the tile's size, shown around it when the map zooms there


class Picture(QLabel):
    """A picture that keeps its shape in whatever room it has; its title while there is none."""

    def __init__(self, title: str, parent: QWidget | None = None):
        super().__init__(title, parent)
        self._title = title
        self._picture = QPixmap()
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(110, 110)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.setStyleSheet("background: palette(mid);")

    def set_picture(self, picture: QPixmap) -> None:
        self._picture = picture
        self._fit()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._picture.isNull():
            self.setText(self._title)
        else:
            mode = Qt.TransformationMode.SmoothTransformation
            self.setPixmap(self._picture.scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio, mode))


class Thumbnail(Picture):
    """A square picture of one layer, drawn in the background."""

    def __init__(self, title: str, parent: QWidget | None = None):
        super().__init__(title, parent)
        self._job: QgsMapRendererParallelJob | None = None

    def show_extent(self, layer: QgsRasterLayer | None, extent: QgsRectangle, crs) -> None:
        """Draw ``layer`` at ``extent``, which is in ``crs``."""
        self.stop()
        if layer is None:
            self._picture = QPixmap()
            self.setText(tr("{}: no layer", self._title))
            return
        settings = QgsMapSettings()
        settings.setLayers([layer])
        settings.setDestinationCrs(crs)
        settings.setExtent(extent)
        settings.setOutputSize(QSize(THUMB_PX, THUMB_PX))
        settings.setTransformContext(QgsProject.instance().transformContext())
        self._job = QgsMapRendererParallelJob(settings)
        self._job.finished.connect(self._drawn)
        self._job.start()

    def stop(self) -> None:
        job, self._job = self._job, None
        if job is not None and job.isActive():
            job.finished.disconnect(self._drawn)
            job.cancel()

    def _drawn(self) -> None:
        if self._job is not None:
            self.set_picture(QPixmap.fromImage(self._job.renderedImage()))


class ComparePanel(QWidget):
    """Thumbnails before and after, the caption below them."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.before, self.after = Thumbnail(tr("Before")), Thumbnail(tr("After"))
        self.flicker = QPushButton(tr("Flicker on the map"))
        self.flicker.setCheckable(True)
        self.flicker.setToolTip(tr("Show the two dates in turn; the project's layers stay as they are"))
        self.caption = plain_label()
        self.caption.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout()
        for title, picture in ((tr("Before"), self.before), (tr("After"), self.after)):
            column = QVBoxLayout()
            column.addWidget(QLabel(title))
            column.addWidget(picture, 1)
            row.addLayout(column, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row, 1)
        layout.addWidget(self.caption)
        layout.addWidget(self.flicker)

    def show_tile(self, tile: dict, before: QgsRasterLayer | None, after: QgsRasterLayer | None, crs) -> None:
        """Show a tile body (footprint in ``crs``)."""
        extent = tile_geometry(tile).boundingBox()
        self.before.show_extent(before, extent, crs)
        self.after.show_extent(after, extent, crs)
        self.describe(tile["properties"])

    def describe(self, properties: dict) -> None:
        """Write caption and classes below the pictures."""
        self.caption.setText(f"{caption_text(properties)}\n{classes_text(properties)}".strip())

    def stop(self) -> None:
        self.flicker.setChecked(False)
        self.before.stop()
        self.after.stop()


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
        QgsProject.instance().layersWillBeRemoved.connect(self._layers_go)

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

    def dispose(self) -> None:
        self.stop()
        QgsProject.instance().layersWillBeRemoved.disconnect(self._layers_go)

    def _turn(self) -> None:
        self._shown = 1 - self._shown
        self._canvas.setLayers(self._frames[self._shown])

    def _layers_go(self, _ids: list[str]) -> None:
        self.stop()


def tile_geometry(tile: dict) -> QgsGeometry:
    """Polygon of a tile body's footprint."""
    return QgsGeometry.fromPolygonXY([[QgsPointXY(x, y) for x, y in tile["footprint"]]])
