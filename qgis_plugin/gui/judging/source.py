"""Which sample is judged, on which rasters, and by whom."""

from __future__ import annotations

import os

from qgis.core import QgsApplication, QgsMapLayerProxyModel, QgsProject, QgsRasterLayer, QgsSettings
from qgis.gui import QgsFileWidget, QgsMapLayerComboBox
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLineEdit, QPushButton, QWidget

from ...i18n import tr
from .sample_file import SUFFIXES

JUDGE_KEY = "changescribe/judge"


class SourceRows(QWidget):
    """Sample, both dates, name and part of the judge.

    Signals
    -------
    chosen : path of the sample to open
    drawn : somebody wants to draw one
    passed_on : another interpreter goes on
    redrawn : other rasters
    """

    chosen = pyqtSignal(str)
    drawn = pyqtSignal()
    passed_on = pyqtSignal()
    redrawn = pyqtSignal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.file = QgsFileWidget()
        self.file.setFilter(tr("Samples (*.gpkg)"))
        self.draw = QPushButton(tr("Draw a sample…"))
        self.before, self.after = QgsMapLayerComboBox(), QgsMapLayerComboBox()
        for box in (self.before, self.after):
            box.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
            box.setAllowEmptyLayer(True)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.name = QLineEdit(QgsSettings().value(JUDGE_KEY, "", str) or QgsApplication.userFullName() or QgsApplication.userLoginName())
        self.name.setPlaceholderText(tr("Your name"))
        self.part = QComboBox()
        for text, suffix in zip((tr("First interpreter"), tr("Second interpreter")), SUFFIXES):
            self.part.addItem(text, suffix)
        self.part.setToolTip(tr("A second interpreter judges the same tiles and does not see the first one's judgements"))
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addRow(tr("Sample"), _row(self.file, self.draw))
        layout.addRow(tr("Dates"), _row(self.before, self.after))
        layout.addRow(tr("Judge"), _row(self.name, self.part))
        # Enter in the field, or a file that was picked: to type a path must not open half of it.
        self.file.lineEdit().returnPressed.connect(self._choose)
        self.file.fileChanged.connect(lambda _path: None if self.file.lineEdit().hasFocus() else self._choose())
        self.draw.clicked.connect(self.drawn)
        self.name.editingFinished.connect(lambda: QgsSettings().setValue(JUDGE_KEY, self.judge()))
        self.part.currentIndexChanged.connect(lambda _index: self.passed_on.emit())
        for box in (self.before, self.after):
            box.layerChanged.connect(lambda _layer: self.redrawn.emit())

    def judge(self) -> str:
        return " ".join(self.name.text().split())

    def suffix(self) -> str:
        """Of the interpreter's columns."""
        return self.part.currentData()

    def layers(self) -> tuple[QgsRasterLayer | None, QgsRasterLayer | None]:
        return self.before.currentLayer(), self.after.currentLayer()

    def choose_layers(self, rasters: dict[str, str], others: tuple) -> None:
        """Take the rasters that a sample names, from the project or else from their files; where they are gone, ``others``."""
        for date, box, other in zip(("before", "after"), (self.before, self.after), others):
            found = _in_project(rasters[date]) if date in rasters else None
            if found is None and date in rasters and os.path.isfile(rasters[date]):
                layer = QgsRasterLayer(rasters[date], os.path.splitext(os.path.basename(rasters[date]))[0])
                found = QgsProject.instance().addMapLayer(layer) if layer.isValid() else None
            box.setLayer(found or other)

    def show_path(self, path: str) -> None:
        """Show which sample is open, without opening it again."""
        self.file.blockSignals(True)
        self.file.setFilePath(path)
        self.file.blockSignals(False)

    def _choose(self) -> None:
        if self.file.filePath().strip():
            self.chosen.emit(self.file.filePath().strip())


def _in_project(path: str) -> QgsRasterLayer | None:
    layers = (layer for layer in QgsProject.instance().mapLayers().values() if isinstance(layer, QgsRasterLayer))
    return next((layer for layer in layers if os.path.abspath(layer.source()) == os.path.abspath(path)), None)


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget, 1)
    return row
