"""Choice of the area: all of it, what the map shows, a drawn shape, or polygons of a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsGeometry,
    QgsMapLayerProxyModel,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
    QgsVectorLayerSelectedFeatureSource,
)
from qgis.gui import QgsMapCanvas, QgsMapLayerComboBox, QgsRubberBand
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from ....engine.contract.errors import AreaError
from ...i18n import tr
from ...layers.areas import polygons_of
from .draw_tool import DrawTool, area_band

WHOLE, CANVAS, DRAWN, LAYER = range(4)
FEW_SELECTED = 1000  # whose box is looked for in a hundredth of a second; that of 30,000 takes half a second


@dataclass(frozen=True)
class ChosenArea:
    """Polygons in a CRS.

    bounds : a rectangle that holds them. polygons : called in the main thread; what it returns may be read in another, once.
    rectangle : where the area is one rectangle along the axes of that CRS.
    """

    bounds: QgsRectangle
    polygons: Callable[[], Iterator[QgsGeometry]]
    crs: QgsCoordinateReferenceSystem
    name: str
    rectangle: QgsRectangle | None = None

    @classmethod
    def of_shape(cls, shape: QgsGeometry, crs: QgsCoordinateReferenceSystem, name: str, rectangle: QgsRectangle | None) -> ChosenArea:
        return cls(shape.boundingBox(), lambda: iter([QgsGeometry(shape)]), crs, name, rectangle)

    @classmethod
    def of_layer(cls, layer: QgsVectorLayer, selected: bool) -> ChosenArea:
        """Of a layer, none of whose polygons is read now: large ones would stop the interface."""
        source = QgsVectorLayerSelectedFeatureSource if selected else QgsVectorLayerFeatureSource
        few = selected and layer.selectedFeatureCount() <= FEW_SELECTED
        bounds = layer.boundingBoxOfSelected() if few else layer.extent()
        return cls(bounds, lambda: polygons_of(source(layer)), layer.crs(), layer.name())


class AreaWidget(QWidget):
    """Emits ``changed`` whenever the area may have become another one."""

    changed = pyqtSignal()

    def __init__(self, canvas: QgsMapCanvas, parent: QWidget | None = None):
        super().__init__(parent)
        self._canvas = canvas
        self.drawn: QgsGeometry | None = None
        self._drawn_crs = QgsCoordinateReferenceSystem()
        self._drawn_is_rectangle = False
        self._band: QgsRubberBand | None = None
        self._tool: DrawTool | None = None
        self.mode = QComboBox()
        for text in (tr("Where both layers overlap"), tr("What the map shows"), tr("Drawn on the map"), tr("Polygon layer")):
            self.mode.addItem(text)
        self._pages = QStackedWidget()
        for page in (QWidget(), QWidget(), self._draw_page(), self._layer_page()):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.mode)
        layout.addWidget(self._pages)
        self._pages.hide()
        self.mode.currentIndexChanged.connect(self._mode_changed)
        canvas.extentsChanged.connect(self._canvas_moved)

    def area(self) -> ChosenArea | None:
        """The chosen area; None is all the ground that both rasters share.

        Raises
        ------
        AreaError
            Nothing drawn, no layer, or no polygon in it.
        """
        mode = self.mode.currentIndex()
        if mode == WHOLE:
            return None
        if mode == CANVAS:
            settings = self._canvas.mapSettings()
            shape = QgsGeometry.fromQPolygonF(settings.visiblePolygon())
            straight = settings.rotation() == 0
            return ChosenArea.of_shape(shape, settings.destinationCrs(), tr("map"), settings.visibleExtent() if straight else None)
        if mode == DRAWN:
            if self.drawn is None:
                raise AreaError(tr("no area is drawn"), tr("a rectangle or polygon"), tr("press 'Rectangle' or 'Polygon' and draw it on the map"))
            return ChosenArea.of_shape(self.drawn, self._drawn_crs, tr("drawn area"), self.drawn.boundingBox() if self._drawn_is_rectangle else None)
        return self._layer_area()

    def set_drawn(self, shape: QgsGeometry, is_rectangle: bool) -> None:
        """Take a shape in the map's CRS and show it."""
        self.drawn, self._drawn_is_rectangle = QgsGeometry(shape), is_rectangle
        self._drawn_crs = self._canvas.mapSettings().destinationCrs()
        self._show_drawn()
        self._stop_drawing()
        self.changed.emit()

    def clear_drawn(self) -> None:
        self.drawn = None
        self._show_drawn()
        self.changed.emit()

    def dispose(self) -> None:
        """Take everything off the canvas."""
        self._stop_drawing()
        self._canvas.extentsChanged.disconnect(self._canvas_moved)
        self.drawn = None
        self._show_drawn()

    def _draw_page(self) -> QWidget:
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 0, 0, 0)
        self.rectangle_button, self.polygon_button, self.clear_button = (QPushButton(text) for text in (tr("Rectangle"), tr("Polygon"), tr("Clear")))
        self.rectangle_button.setToolTip(tr("Drag a rectangle on the map"))
        self.polygon_button.setToolTip(tr("Click the corners; a right click closes the polygon, Escape starts again"))
        self.rectangle_button.clicked.connect(lambda: self._draw(True))
        self.polygon_button.clicked.connect(lambda: self._draw(False))
        self.clear_button.clicked.connect(self.clear_drawn)
        for button in (self.rectangle_button, self.polygon_button, self.clear_button):
            button.setMinimumWidth(button.fontMetrics().horizontalAdvance(button.text()) + 16)
            row.addWidget(button, 1)
        return page

    def _layer_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        self.layer_box = QgsMapLayerComboBox()
        self.layer_box.setFilters(QgsMapLayerProxyModel.Filter.PolygonLayer)
        self.selected_only = QCheckBox(tr("Only the selected features"))
        column.addWidget(self.layer_box)
        column.addWidget(self.selected_only)
        self.layer_box.layerChanged.connect(lambda _layer: self.changed.emit())
        self.selected_only.toggled.connect(lambda _on: self.changed.emit())
        return page

    def _layer_area(self) -> ChosenArea:
        layer = self.layer_box.currentLayer()
        if layer is None:
            raise AreaError(tr("no polygon layer is chosen"), tr("a polygon layer"), tr("add one to the project, or choose another kind of area"))
        selected = self.selected_only.isChecked()
        chosen = ChosenArea.of_layer(layer, selected)
        if chosen.bounds.isNull() or (selected and not layer.selectedFeatureCount()):
            got = tr("no selected polygon in {layer}", layer=layer.name()) if selected else tr("no polygon in {layer}", layer=layer.name())
            raise AreaError(
                got, tr("at least one polygon"), tr("select some features, or untick 'Only the selected features'") if selected else tr("fill it")
            )
        return chosen

    def _mode_changed(self, mode: int) -> None:
        self._pages.setCurrentIndex(mode)
        self._pages.setVisible(mode in (DRAWN, LAYER))
        if mode != DRAWN:
            self._stop_drawing()
        self._show_drawn()
        self.changed.emit()

    def _canvas_moved(self) -> None:
        if self.mode.currentIndex() == CANVAS:
            self.changed.emit()

    def _draw(self, is_rectangle: bool) -> None:
        self._stop_drawing()
        self._tool = DrawTool(self._canvas, is_rectangle)
        self._tool.drawn.connect(lambda shape: self.set_drawn(shape, is_rectangle))
        self._canvas.setMapTool(self._tool)

    def _stop_drawing(self) -> None:
        """Give the canvas back the tool it had before drawing."""
        tool, self._tool = self._tool, None
        if tool is not None:
            tool.finish()

    def _show_drawn(self) -> None:
        if self._band is not None:
            self._canvas.scene().removeItem(self._band)
            self._band = None
        if self.drawn is not None and self.mode.currentIndex() == DRAWN:
            self._band = area_band(self._canvas)
            self._band.setToGeometry(self.drawn, self._drawn_crs)
