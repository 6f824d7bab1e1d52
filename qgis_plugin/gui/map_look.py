"""How the listed layer looks on the map: symbology presets, labels, and only the tiles that the list shows."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsMapLayer, QgsVectorLayer
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QWidget

from ..i18n import tr
from .assets import SCORE_STYLE, STYLE
from .tiles import TileQuery

BY_CLASS, BY_SCORE = range(2)
PRESETS = {BY_CLASS: STYLE, BY_SCORE: SCORE_STYLE}


class MapLook(QWidget):
    """Choices that act on the listed layer at once. ``said``: why one of them could not."""

    said = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self._layer: QgsVectorLayer | None = None
        self._query = TileQuery()
        self._own_subset = ""  # the filter that the layer has of its own
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

    def set_layer(self, layer: QgsVectorLayer | None, styled: bool) -> None:
        """Act on this layer from now on, whose earlier one gets its own filter back.

        Parameters
        ----------
        styled : bool
            The layer has a look of its own, which the choices take over; else it gets the chosen one.
        """
        self._unfilter()
        if self._layer is not None:
            self._layer.willBeDeleted.disconnect(self._forget)
        self._layer = layer
        if layer is None:
            return
        layer.willBeDeleted.connect(self._forget)
        self._own_subset = layer.subsetString()
        if styled:
            self._take_over(layer)
        else:
            if self.preset.currentIndex() != BY_CLASS:
                self._style()
            self._label()
        if self.filtered.isChecked():
            self._filter()

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
        if self._layer is None:
            return
        wanted = self._query.subset(self._layer.fields().names()) if self.filtered.isChecked() else ""
        both = " AND ".join(f"({part})" for part in (self._own_subset, wanted) if part)
        if self._layer.subsetString() == both or self._layer.setSubsetString(both):
            return
        if self._layer.isEditable():
            self.said.emit(tr("The filter of a layer cannot change while it is edited: save the edits first."))
        else:
            self.said.emit(tr("This layer's format cannot be filtered so; export it to a GeoPackage."))

    def _unfilter(self) -> None:
        if self._layer is not None and self._layer.subsetString() != self._own_subset:
            self._layer.setSubsetString(self._own_subset)

    def _forget(self) -> None:
        self._layer = None
