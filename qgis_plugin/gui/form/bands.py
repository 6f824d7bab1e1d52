"""Choice of a raster's red, green and blue bands."""

from __future__ import annotations

from contextlib import suppress

from qgis.core import QgsRasterLayer
from qgis.gui import QgsRasterBandComboBox
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from ...i18n import tr
from ...layers.rasters import chosen_bands, shown_bands

SHOWN, AUTOMATIC, CHOSEN = range(3)


class BandsWidget(QWidget):
    """As the layer is shown (default), the engine's choice, or three bands of one's own.

    ``changed`` after each choice, and when the layer's style shows other bands.
    """

    changed = pyqtSignal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._layer: QgsRasterLayer | None = None
        self._shown: tuple[int, ...] | None = None
        self.mode = QComboBox()
        self.mode.setToolTip(
            tr("Red, green and blue for the model. 'Automatic' lets the engine choose: colour interpretation, else the first three bands.")
        )
        for text in (tr("As on the map"), tr("Automatic"), tr("Choose…")):
            self.mode.addItem(text)
        self.boxes = [QgsRasterBandComboBox() for _ in range(3)]
        self._row = QWidget()
        row = QHBoxLayout(self._row)
        row.setContentsMargins(0, 0, 0, 0)
        for box, name in zip(self.boxes, (tr("Red"), tr("Green"), tr("Blue"))):
            box.setToolTip(name)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(2)
            row.addWidget(box, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.mode)
        layout.addWidget(self._row)
        self._row.hide()
        self.mode.currentIndexChanged.connect(self._mode_changed)
        for box in self.boxes:
            box.bandChanged.connect(lambda _band: self.changed.emit())

    def set_layer(self, layer: QgsRasterLayer | None) -> None:
        """Show a layer's bands; its renderer's are the default where somebody chose them."""
        if self._layer is not None:
            with suppress(RuntimeError):  # the layer has been deleted, and its signals with it
                self._layer.rendererChanged.disconnect(self._restyled)
        self._layer = layer
        if layer is not None:
            layer.rendererChanged.connect(self._restyled)
        shown = self._show()
        for box, band in zip(self.boxes, shown or (1, 1, 1)):
            box.setLayer(layer)
            box.setBand(band)

    def _show(self) -> tuple[int, ...] | None:
        """Name the bands that the layer shows, and take them unless somebody chose others here."""
        layer = self._layer
        shown = self._shown = shown_bands(layer) if layer is not None else None
        self.mode.setItemText(SHOWN, tr("As on the map ({})", ", ".join(map(str, shown))) if shown else tr("As on the map"))
        if self.mode.currentIndex() != CHOSEN:
            self.mode.setCurrentIndex(AUTOMATIC if shown and chosen_bands(layer) is None else SHOWN)
        return shown

    def _restyled(self) -> None:
        if self._layer is not None and shown_bands(self._layer) != self._shown:  # else another side of the style
            self._show()
            self.changed.emit()

    def _mode_changed(self, index: int) -> None:
        self._row.setVisible(index == CHOSEN)
        self.changed.emit()

    def bands(self) -> tuple[int, ...] | None:
        """Three band numbers counted from 1, or None for the engine's choice."""
        mode = self.mode.currentIndex()
        if mode == CHOSEN:
            return tuple(box.currentBand() for box in self.boxes)
        return shown_bands(self._layer) if mode == SHOWN and self._layer is not None else None
