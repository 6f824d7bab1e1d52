"""Both dates of a tile side by side, and in turn on the map."""

from __future__ import annotations

from qgis.core import QgsGeometry, QgsMapSettings, QgsPointXY, QgsProject, QgsRasterLayer, QgsRectangle
from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QPixmap
from qgis.PyQt.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from ...i18n import tr
from ..map.map_picture import MapPicture
from ..plain import plain_label
from .tiles import caption_text, classes_text

THUMB_PX = 256
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
        self.map = MapPicture(self)
        self.map.drawn.connect(lambda image: self.set_picture(QPixmap.fromImage(image)))

    def show_extent(self, layer: QgsRasterLayer | None, extent: QgsRectangle, crs) -> None:
        """Draw ``layer`` at ``extent``, which is in ``crs``."""
        self.map.stop()
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
        self.map.draw(settings)


class ComparePanel(QWidget):
    """Thumbnails before and after, the caption below them."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.before, self.after = Thumbnail(tr("Before")), Thumbnail(tr("After"))
        self.flicker = QPushButton(tr("Flicker on the map"))
        self.flicker.setCheckable(True)
        self.flicker.setToolTip(tr("Show the two dates in turn; the project's layers stay unchanged"))
        self.swipe = QPushButton(tr("Swipe on the map"))
        self.swipe.setCheckable(True)
        self.swipe.setToolTip(tr("Before on the left, after on the right of a line that you drag; Escape ends it"))
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
        buttons = QHBoxLayout()
        buttons.addWidget(self.flicker, 1)
        buttons.addWidget(self.swipe, 1)
        layout.addLayout(buttons)

    def show_tile(self, tile: dict, before: QgsRasterLayer | None, after: QgsRasterLayer | None, crs) -> None:
        """Show a tile body (footprint in ``crs``)."""
        extent = tile_geometry(tile).boundingBox()
        self.before.show_extent(before, extent, crs)
        self.after.show_extent(after, extent, crs)
        self.describe(tile["properties"])

    def describe(self, properties: dict) -> None:
        """Write caption and classes below the pictures."""
        self.caption.setText(f"{caption_text(properties)}\n{classes_text(properties)}".strip())

    def dispose(self) -> None:
        self.flicker.setChecked(False)
        self.swipe.setChecked(False)
        self.before.map.dispose()
        self.after.map.dispose()


def tile_geometry(tile: dict) -> QgsGeometry:
    """Polygon of a tile body's footprint."""
    return QgsGeometry.fromPolygonXY([[QgsPointXY(x, y) for x, y in tile["footprint"]]])
