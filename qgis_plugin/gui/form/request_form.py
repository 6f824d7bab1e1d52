"""The panel's first page: what to caption, and with what."""

from __future__ import annotations

import os
from pathlib import Path

from qgis.core import QgsMapLayerProxyModel, QgsProcessingUtils, QgsProject, QgsRasterLayer
from qgis.gui import QgsCollapsibleGroupBox, QgsFileWidget, QgsMapCanvas, QgsMapLayerComboBox
from qgis.PyQt.QtCore import QStandardPaths, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from ...i18n import tr
from ...layers.dates import choose_pair
from ...layers.sources import local_file
from ..plain import plain_label
from ..run.request import processing_context
from .area import AreaWidget
from .bands import BandsWidget
from .estimate import Estimate, alike
from .option_rows import OptionRows
from .preview import PreviewBox

FIRST = ("model", "device", "threshold")  # of the options, those that are always shown
STEM = "change_captions"


class RequestForm(QWidget):
    """Widgets of a CaptionRequest; ``changed`` after any edit that may change the number of tiles or how they look."""

    changed = pyqtSignal()

    def __init__(self, canvas: QgsMapCanvas, parent: QWidget | None = None):
        super().__init__(parent)
        layout = QVBoxLayout(self)
        self._form = QFormLayout()
        self.rows = OptionRows(self)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        layout.addLayout(self._form)
        self._add_layers()
        self.area = AreaWidget(canvas)
        self._form.addRow(tr("Area"), self.area)
        self._add_engine_rows()
        layout.addWidget(self._more_options())
        layout.addStretch(1)
        self.estimate = plain_label()
        self.estimate.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.resample = QPushButton()
        self.resample.setToolTip(tr("Sets the resolution under 'More options'"))
        self.resample.hide()
        self.preview = PreviewBox()
        self._form.addRow(self.estimate)
        self._form.addRow(self.resample)
        self._form.addRow(self.preview)
        for box in self.findChildren(QComboBox):  # long names must not push the page out of a narrow panel
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._connect()
        self.choose_layers()
        self._layers_changed()

    def layers(self) -> tuple[QgsRasterLayer | None, QgsRasterLayer | None]:
        """The before and the after layer."""
        return self.before.currentLayer(), self.after.currentLayer()

    def swap(self) -> None:
        before, after = self.layers()
        self.before.setLayer(after)
        self.after.setLayer(before)

    def choose_layers(self) -> None:
        """Choose the two dates among the project's rasters, as long as nothing sensible is chosen."""
        if None not in self.layers() and self.layers()[0] is not self.layers()[1]:
            return
        layers = (node.layer() for node in QgsProject.instance().layerTreeRoot().findLayers())
        pair = choose_pair([layer for layer in layers if isinstance(layer, QgsRasterLayer)], processing_context())
        if pair is not None:
            self.before.setLayer(pair[0])
            self.after.setLayer(pair[1])

    def show_estimate(self, found: Estimate) -> None:
        """Say what a run would be, and offer to resample to what the model was trained at, or not to."""
        self.estimate.setText(found.text())
        resampled = self.rows.widgets["resolution"].value() == "model"
        self.resample.setVisible(found.resampling_helps or (resampled and not alike(found.native_m, found.gsd_m)))
        if resampled:
            self.resample.setText(tr("Keep the layer's {:.2g} m per pixel", found.native_m))
        else:
            self.resample.setText(tr("Resample to the model's {:g} m per pixel", found.trained_m))

    def show_problem(self, text: str) -> None:
        """Say why there is no estimate."""
        self.estimate.setText(text)
        self.resample.hide()

    def options(self) -> dict:
        """Members of a CaptionRequest apart from rasters, bands and area."""
        return self.rows.values()

    def output_path(self) -> Path:
        """The chosen file, or a new one in the default folder."""
        text = self.output.filePath().strip()
        if text:
            path = Path(text).expanduser()
            return path if path.suffix else path.with_suffix(".gpkg")
        return free_path(default_folder(self.before.currentLayer()))

    def update_output_hint(self) -> None:
        """Say in the empty field where the result would go."""
        self.output.lineEdit().setPlaceholderText(str(free_path(default_folder(self.before.currentLayer()))))

    def _add_layers(self) -> None:
        self.before, self.after = QgsMapLayerComboBox(), QgsMapLayerComboBox()
        self.before_bands, self.after_bands = BandsWidget(), BandsWidget()
        for box in (self.before, self.after):
            box.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
        self.swap_button = QToolButton()
        self.swap_button.setText("⇅")
        self.swap_button.setToolTip(tr("Swap before and after"))
        self.swap_button.clicked.connect(self.swap)
        row = QHBoxLayout()
        row.addWidget(self.before, 1)
        row.addWidget(self.swap_button)
        self._form.addRow(tr("Before"), row)
        self._form.addRow(tr("   bands"), self.before_bands)
        self._form.addRow(tr("After"), self.after)
        self._form.addRow(tr("   bands"), self.after_bands)

    def _add_engine_rows(self) -> None:
        for name in FIRST:
            self.rows.add(self._form, name)
        self.output = QgsFileWidget()
        self.output.setStorageMode(QgsFileWidget.StorageMode.SaveFile)
        self.output.setFilter("GeoPackage (*.gpkg)")
        self.output.setConfirmOverwrite(False)  # the engine never overwrites; the panel offers to resume
        self.update_output_hint()
        self._form.addRow(tr("Output"), self.output)

    def _more_options(self) -> QgsCollapsibleGroupBox:
        box = QgsCollapsibleGroupBox(tr("More options"))
        form = QFormLayout(box)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self.rows.add_rest(form)
        box.setCollapsed(True)
        box.collapsedStateChanged.connect(lambda _collapsed: self.rows.show_rows())
        return box

    def _connect(self) -> None:
        self.before.layerChanged.connect(lambda _layer: self._layers_changed())
        self.after.layerChanged.connect(lambda _layer: self._layers_changed())
        for widget in (self.area, self.before_bands, self.after_bands):
            widget.changed.connect(self.changed)
        self.rows.changed.connect(self.changed)
        self.resample.clicked.connect(self._resample)

    def _resample(self) -> None:
        resolution = self.rows.widgets["resolution"]
        resolution.set_value("native" if resolution.value() == "model" else "model")

    def _layers_changed(self) -> None:
        before, after = self.layers()
        self.before_bands.set_layer(before)
        self.after_bands.set_layer(after)
        self.changed.emit()


def default_folder(before: QgsRasterLayer | None) -> Path:
    """The project's folder; while it is not saved the before raster's, where one can write and QGIS does not delete; else the user's documents."""
    project = QgsProject.instance().absolutePath()
    if project:
        return Path(project)
    raster = local_file(before) if before is not None else None
    deleted_at_exit = Path(QgsProcessingUtils.tempFolder())
    if raster is not None and os.access(raster.parent, os.W_OK) and deleted_at_exit not in raster.parents:
        return raster.parent
    documents = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation))
    return documents if documents.is_dir() else Path.home()


def free_path(folder: Path) -> Path:
    """A GeoPackage name that is not taken in ``folder``."""
    names = [STEM] + [f"{STEM}_{number}" for number in range(2, 1000)]
    return next(folder / f"{name}.gpkg" for name in names if not (folder / f"{name}.gpkg").exists())
