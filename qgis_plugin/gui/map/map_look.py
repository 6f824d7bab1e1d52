"""How the listed layer looks on the map: symbology presets, labels, and only the tiles that the list shows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from qgis.core import QgsMapLayer, QgsVectorLayer
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QWidget

from ...i18n import tr
from ...layers.layer_file import OWN_SUBSET, own_subset
from ..assets import SCORE_STYLE, STYLE
from ..results.tiles import TileQuery

BY_CLASS, BY_SCORE = range(2)
PRESETS = {BY_CLASS: STYLE, BY_SCORE: SCORE_STYLE}


class MapLook(QWidget):
    """Choices that act on the listed layer at once. ``said``: why one of them could not."""

    said = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._layer: QgsVectorLayer | None = None
        self._query = TileQuery()
        self._reading = False
        self.preset = QComboBox()
        self.preset.addItems([tr("By class"), tr("By score")])
        self.preset.setToolTip(tr("Colours of the tiles on the map"))
        self.labels, self.filtered = QCheckBox(tr("Labels")), QCheckBox(tr("Only listed"))
        self.labels.setChecked(True)
        self.labels.setToolTip(tr("Write the captions into the tiles"))
        self.filtered.setToolTip(tr("Show only the tiles of the list on the map: sets the layer's filter"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel(tr("Map")))
        row.addWidget(self.preset, 1)
        row.addWidget(self.labels)
        row.addWidget(self.filtered)
        self.preset.currentIndexChanged.connect(self._style)
        self.labels.toggled.connect(self._label)
        self.filtered.toggled.connect(self._filter)

    def set_layer(self, layer: QgsVectorLayer | None, styled: bool, reading: bool = False) -> None:
        """Act on this layer from now on, whose earlier one gets its own filter back.

        Parameters
        ----------
        styled : bool
            The layer has a look of its own, which the choices take over; else it gets the chosen one.
        reading : bool
            Its tiles are being read: until ``release`` it keeps its own filter.
        """
        if self._layer is not None:
            self._unfilter(self._layer)
            self._layer.willBeDeleted.disconnect(self._forget)
        self._layer, self._reading = layer, reading
        if layer is None:
            return
        layer.willBeDeleted.connect(self._forget)
        self._unfilter(layer)
        if styled:
            self._take_over(layer)
        else:
            if self.preset.currentIndex() != BY_CLASS:
                self._style()
            self._label()
        if self.filtered.isChecked():
            self._filter()

    def release(self) -> None:
        """The layer has been read."""
        self._reading = False
        if self.filtered.isChecked():
            self._filter()

    def unfilter(self, layers: Iterable[QgsMapLayer]) -> None:
        """Give layers that a project was saved with while they were filtered their own filter back: no list says any more what is hidden."""
        for layer in layers:
            if isinstance(layer, QgsVectorLayer) and layer is not self._layer:
                self._unfilter(layer)

    def set_query(self, query: TileQuery) -> None:
        self._query = query
        if self.filtered.isChecked():
            self._filter()

    def _take_over(self, layer: QgsVectorLayer) -> None:
        by_score = layer.renderer() is not None and layer.renderer().type() == "graduatedSymbol"
        for widget, setter, value in (
            (self.preset, self.preset.setCurrentIndex, BY_SCORE if by_score else BY_CLASS),
            (self.labels, self.labels.setChecked, layer.labelsEnabled()),
        ):
            widget.blockSignals(True)
            setter(value)
            widget.blockSignals(False)

    def _style(self) -> None:
        if self._layer is not None:
            self._load(PRESETS[self.preset.currentIndex()], QgsMapLayer.StyleCategory.Symbology)

    def _label(self) -> None:
        if self._layer is None:
            return
        if self.labels.isChecked() and self._layer.labeling() is None:
            self._load(STYLE, QgsMapLayer.StyleCategory.Labeling)
        self._layer.setLabelsEnabled(self.labels.isChecked())
        self._layer.triggerRepaint()

    def _load(self, style: Path, category: QgsMapLayer.StyleCategory) -> None:
        # True: from that file, not the style that a GeoPackage holds.
        self._layer.loadNamedStyle(str(style), True, category)
        self._layer.triggerRepaint()

    def _filter(self) -> None:
        if self._layer is None or self._reading:
            return
        own = own_subset(self._layer)
        wanted = self._query.subset(self._layer.fields().names()) if self.filtered.isChecked() else ""
        if not wanted:
            self._unfilter(self._layer)
        elif self._set_subset(self._layer, " AND ".join(f"({part})" for part in (own, wanted) if part)):
            self._layer.setCustomProperty(OWN_SUBSET, own)

    def _unfilter(self, layer: QgsVectorLayer) -> None:
        if self._set_subset(layer, own_subset(layer)):
            layer.removeCustomProperty(OWN_SUBSET)

    def _set_subset(self, layer: QgsVectorLayer, subset: str) -> bool:
        if layer.subsetString() == subset or layer.setSubsetString(subset):
            return True
        if layer.isEditable():
            self.said.emit(tr("The filter of a layer cannot change while it is edited: save the edits first."))
        else:
            self.said.emit(tr("This layer's format does not support this filter; export it to a GeoPackage."))
        return False

    def _forget(self) -> None:
        self._layer = None
