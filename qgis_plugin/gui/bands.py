"""Choice of a raster's red, green and blue bands."""

from __future__ import annotations

from qgis.core import QgsRasterLayer
from qgis.gui import QgsRasterBandComboBox
from qgis.PyQt.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from ..i18n import tr
from ..processing.rasters import chosen_bands, shown_bands

SHOWN, AUTOMATIC, CHOSEN = range(3)


class BandsWidget(QWidget):
    """As the layer is shown (default), the engine's choice, or three bands of one's own."""

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._layer: QgsRasterLayer | None = None
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
        self.mode.currentIndexChanged.connect(lambda index: self._row.setVisible(index == CHOSEN))

    def set_layer(self, layer: QgsRasterLayer | None) -> None:
        """Show a layer's bands; its renderer's are the default where somebody chose them."""
        self._layer = layer
        shown = shown_bands(layer) if layer is not None else None
        self.mode.setItemText(SHOWN, tr("As on the map ({})", ", ".join(map(str, shown))) if shown else tr("As on the map"))
        if self.mode.currentIndex() != CHOSEN:
            self.mode.setCurrentIndex(AUTOMATIC if shown and chosen_bands(layer) is None else SHOWN)
        for box, band in zip(self.boxes, shown or (1, 1, 1)):
            box.setLayer(layer)
            box.setBand(band)

    def bands(self) -> tuple[int, ...] | None:
        """Three band numbers counted from 1, or None for the engine's choice."""
        mode = self.mode.currentIndex()
        if mode == CHOSEN:
            return tuple(box.currentBand() for box in self.boxes)
        return shown_bands(self._layer) if mode == SHOWN and self._layer is not None else None
