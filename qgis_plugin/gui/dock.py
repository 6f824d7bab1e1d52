"""The panel: form, run, results."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsDockWidget, QgsMapCanvas
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QScrollArea, QSplitter, QTabWidget, QVBoxLayout, QWidget

from ...engine.contract.errors import Cancelled, ChangeScribeError
from ...engine.contract.fields import missing_core
from ..i18n import tr
from ..layers.areas import AreaFile
from ..layers.dates import layer_period, time_between
from ..layers.exports import Export
from ..layers.target import check_continued
from .form.estimate import duration, estimate, remember_rate
from .form.request_form import RequestForm, free_path
from .judging.page import JudgingPage
from .map.map_look import MapLook
from .plain import plain_label
from .results.compare import AROUND, ComparePanel, tile_geometry
from .results.results_list import ResultsList
from .results.review import ReviewBar
from .results.tile_reader import TileReader
from .results.two_dates import TwoDates
from .run.caption_run import CaptionRun
from .run.point import PointRequest, click_request
from .run.request import FINISHED, FOREIGN, UNFINISHED, build_request, checked_layers, explain, output_state
from .settings.setup_bar import SetupBar

ESTIMATE_MS = 150
FORM, RESULTS = 0, 1
WIDTH_PX = 420


class ChangeScribeDock(QgsDockWidget):
    """Made by the plugin; ``dispose`` before it is deleted.

    Attributes
    ----------
    run : CaptionRun or None
        The run at work.
    """

    def __init__(self, iface, parent: QWidget | None = None):
        super().__init__("ChangeScribe", parent)
        self.setObjectName("ChangeScribeDock")
        self.setAllowedAreas(Qt.DockWidgetArea.LeftDockWidgetArea | Qt.DockWidgetArea.RightDockWidgetArea)
        self._iface = iface
        self._canvas: QgsMapCanvas = iface.mapCanvas()
        self.run: CaptionRun | None = None
        self._waiting = False
        self._shown_crs = QgsCoordinateReferenceSystem()
        self._interrupted: dict | None = None
        self._reader: TileReader | None = None
        self.form, self.results, self.compare = RequestForm(self._canvas), ResultsList(), ComparePanel()
        self.review = ReviewBar()
        self.look = MapLook()
        self.two_dates = TwoDates(self._canvas, self.compare, self.form.layers, self._restore_canvas, self)
        self.judging = JudgingPage(self._canvas, self.form.layers, lambda: self.review.layer, self._restore_canvas)
        self._build()
        self._estimate_timer = QTimer(self)
        self._estimate_timer.setSingleShot(True)
        self._estimate_timer.setInterval(ESTIMATE_MS)
        self._estimate_timer.timeout.connect(self.update_estimate)
        self._connect()
        self._estimate_timer.start()

    def click_request(self, point: QgsPointXY, crs: QgsCoordinateReferenceSystem) -> PointRequest:
        """Request of a click on the map, for ``ClickTool``."""
        return click_request(self.form, point, crs)

    def start(self) -> None:
        """Run the form; problems are said in the panel."""
        if self.run is not None:
            return
        output = self.form.output_path()
        state = output_state(output)
        if state in (FINISHED, FOREIGN):
            what = tr("holds a finished run") if state == FINISHED else tr("already exists")
            other = free_path(output.parent)
            self._say(tr("{} {}. Choose another output, such as {}.", output.name, what, other.name), Qgis.MessageLevel.Warning)
            return
        try:
            check_continued(output, QgsProject.instance())
            request, exports = self._same_area_request(output) if state == UNFINISHED else build_request(self.form, output)
            crs = checked_layers(self.form)[0].crs()
        except ChangeScribeError as error:
            self._say(explain(error), Qgis.MessageLevel.Critical)
            return
        if self.setup.missing:
            self._wait_for_engine(True)
            self.setup.start()
            return
        self._clear_list()
        self._offer_alignment(False)
        self._work_on(None)
        self.two_dates.stop()
        self._shown_crs = crs
        self._say("", Qgis.MessageLevel.Info)
        period = time_between(*(layer_period(layer) for layer in self.form.layers()))
        self.run = CaptionRun(request, output, state == UNFINISHED, crs, exports, period, self)
        self.look.set_layer(self.run.layer, styled=False)
        self.run.tiles.connect(self.results.add)
        self.run.progressed.connect(self._show_progress)
        self.run.fetching.connect(self._show_fetching)
        self.run.logged.connect(self._show_log)
        self.run.offset.connect(lambda: self._offer_alignment(True))
        self.run.finished.connect(self._run_over)
        self._set_running(True)
        self.pages.setCurrentIndex(RESULTS)
        self.run.start()

    def cancel(self) -> None:
        if self.run is not None:
            self.cancel_button.setEnabled(False)
            self.progress.setFormat(tr("Cancelling; finished tiles are kept…"))
            self.run.cancel()

    def align_dates(self) -> None:
        """Have the next run align the dates, in an output of its own: the tiles of an earlier run show others' pixels."""
        self._offer_alignment(False)
        self.cancel()
        self.form.rows.widgets["align"].set_value("shift")
        self.form.output.setFilePath("")
        self.pages.setCurrentIndex(0)

    def update_estimate(self) -> None:
        """Say how many tiles the form stands for, how long they take and what speaks against it; show a tile of it.

        Not during a run, whose own layer is news to the project: it is said when the run is over.
        """
        if self.run is not None:
            return
        self.form.choose_layers()
        self.form.update_output_hint()
        try:
            self.form.show_estimate(estimate(self.form))
        except ChangeScribeError as error:
            self.form.show_problem(f"⚠ {error.got[:1].upper()}{error.got[1:]}." if None not in self.form.layers() else tr("Choose both layers."))
        self.form.preview.refresh(self.form)
        unfinished = output_state(self.form.output_path()) == UNFINISHED
        text = tr("Resume") if unfinished else tr("Caption changes")
        self.run_button.setText(tr("Set up the engine, then caption") if self.setup.missing else text)
        tip = tr("The output holds an interrupted run: continue where it stopped, with the same settings") if unfinished else ""
        self.run_button.setToolTip(tip)

    def show_tile(self, tile: dict) -> None:
        """Zoom to a tile, flash it, and show both dates."""
        before, after = self.form.layers()
        self.review.show_tile(tile["properties"])
        self.compare.show_tile(tile, before, after, self._shown_crs)
        box = self._to_canvas(tile_geometry(tile))
        if box is not None:
            box.grow(AROUND * max(box.width(), box.height()))
            self._canvas.setExtent(box)
            self._canvas.refresh()
            self._canvas.flashGeometries([tile_geometry(tile)], self._shown_crs, flashes=2)

    def step(self, by: int) -> bool:
        """Go to the next (1) or previous (-1) listed tile, whether or not the panel is open; whether there is one."""
        return self.results.step(by)

    def list_active_layer(self) -> None:
        """List the tiles of the layer that is chosen in the layer tree, such as one of an earlier session."""
        layer = self._iface.activeLayer()
        if not isinstance(layer, QgsVectorLayer) or missing_core(layer.fields().names()):
            self._say(tr("Choose a layer of change captions in the layer tree first."), Qgis.MessageLevel.Warning)
        elif self.run is None:
            self._say("", Qgis.MessageLevel.Info)
            self._list(layer).start()

    def dispose(self) -> None:
        """Stop everything that works in the background and clear the canvas."""
        run, self.run = self.run, None
        if run is not None:
            run.dispose()
        self._estimate_timer.stop()
        QgsProject.instance().layersAdded.disconnect(self._project_changed)
        QgsProject.instance().layersAdded.disconnect(self.look.unfilter)
        QgsProject.instance().layersRemoved.disconnect(self._project_changed)
        self._clear_list()
        self._work_on(None)
        self.two_dates.dispose()
        self.judging.dispose()
        self.compare.dispose()
        self.setup.dispose()
        self.form.preview.dispose()
        self.form.area.dispose()

    def _build(self) -> None:
        self.setup = SetupBar()
        listed = QWidget()
        column = QVBoxLayout(listed)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.results, 1)
        column.addWidget(self.look)
        column.addWidget(self.review)
        scroll = QScrollArea()
        scroll.setWidget(self.form)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page = QSplitter(Qt.Orientation.Vertical)
        page.addWidget(listed)
        page.addWidget(self.compare)
        page.setStretchFactor(0, 1)
        page.setStretchFactor(1, 1)
        page.setChildrenCollapsible(False)
        self.pages = QTabWidget()
        self.pages.addTab(scroll, tr("What to caption"))
        self.pages.addTab(page, tr("Results"))
        self.pages.addTab(self.judging, tr("Accuracy"))
        self.message = plain_label()
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.message.hide()
        self.align_button = QPushButton(tr("Align the dates"))
        self.align_button.setToolTip(tr("Sets 'Align the dates' under 'More options' to one offset; a run in progress is cancelled"))
        self.align_button.hide()
        self.progress = QProgressBar()
        self.progress.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.progress.hide()
        self.run_button, self.cancel_button = QPushButton(tr("Caption changes")), QPushButton(tr("Cancel"))
        self.cancel_button.setEnabled(False)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button, 1)
        buttons.addWidget(self.cancel_button)
        body = QWidget()
        layout = QVBoxLayout(body)
        for widget in (self.setup, self.pages, self.message, self.align_button, self.progress):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        self.setWidget(body)
        body.setMinimumWidth(340)

    def _connect(self) -> None:
        self.run_button.clicked.connect(self.start)
        self.setup.ended.connect(self._engine_over)
        self.cancel_button.clicked.connect(self.cancel)
        self.form.changed.connect(self._estimate_timer.start)
        self.form.preview.opened.connect(self._refresh_preview)
        self.form.preview.offset.connect(self._offer_alignment)
        self.align_button.clicked.connect(self.align_dates)
        self.form.output.fileChanged.connect(lambda _path: self._estimate_timer.start())
        self.results.load.clicked.connect(self.list_active_layer)
        self.results.chosen.connect(self.show_tile)
        self.review.edited.connect(self.results.model.update)
        self.review.redrawn.connect(self.compare.describe)
        self.review.said.connect(lambda text: self._say(text, Qgis.MessageLevel.Info))
        self.results.queried.connect(lambda: self.look.set_query(self.results.model.query))
        self.look.said.connect(lambda text: self._say(text, Qgis.MessageLevel.Warning))
        self.visibilityChanged.connect(self._visible)
        QgsProject.instance().layersAdded.connect(self._project_changed)
        QgsProject.instance().layersAdded.connect(self.look.unfilter)
        QgsProject.instance().layersRemoved.connect(self._project_changed)

    def _wait_for_engine(self, waiting: bool) -> None:
        """One press of the button sets the engine up and captions: a new user need not come back for the second."""
        self._waiting = waiting
        self.run_button.setEnabled(not waiting)

    def _engine_over(self, set_up: bool) -> None:
        waited = self._waiting
        self._wait_for_engine(False)
        self.update_estimate()
        if waited and set_up:
            self.start()

    def _project_changed(self, _layers) -> None:
        self._estimate_timer.start()

    def _visible(self, visible: bool) -> None:
        if visible:
            self.setup.refresh()

    def _same_area_request(self, output: Path) -> tuple[dict, list[Export | AreaFile]]:
        """The request that resumes ``output``; the session's own if it was interrupted here, so that moved maps do not matter."""
        if self._interrupted is not None and self._interrupted["output"] == output:
            return {**self._interrupted["request"], **{name: self.form.options()[name] for name in ("device", "batch_size")}}, []
        return build_request(self.form, output)

    def _refresh_preview(self) -> None:
        if self.run is None:  # whose tiles the engine is busy with
            self.form.preview.refresh(self.form)

    def _list(self, layer: QgsVectorLayer) -> TileReader:
        """Begin to list a layer's tiles."""
        self._shown_crs = layer.crs()
        self._clear_list()
        self._work_on(layer, styled=True, reading=True)
        self._reader = TileReader(layer, self)
        self._reader.read.connect(self.results.add)
        self._reader.finished.connect(self.look.release)
        return self._reader

    def _clear_list(self) -> None:
        if self._reader is not None:
            self._reader.stop()
            self._reader.deleteLater()
            self._reader = None
        self.results.clear()

    def _work_on(self, layer: QgsVectorLayer | None, styled: bool = False, reading: bool = False) -> None:
        """Review and style this layer from now on; ``styled``: it keeps the look that it has; ``reading``: and for now its filter."""
        self.look.set_layer(layer, styled, reading)
        self.review.set_layer(layer)

    def _set_running(self, running: bool) -> None:
        self.run_button.setEnabled(not running)
        self.cancel_button.setEnabled(running)
        self.progress.setVisible(running)
        self.progress.setRange(0, 0)  # until the engine says how many tiles there are
        self.progress.setFormat(tr("Starting the engine…"))

    def _show_fetching(self, name: str) -> None:
        if self.cancel_button.isEnabled():
            self.progress.setFormat(tr("Fetching {}…", name))

    def _show_progress(self, event: dict) -> None:
        if not self.cancel_button.isEnabled():
            return
        self.progress.setRange(0, max(1, event["total"]))
        self.progress.setValue(event["done"])
        rate = f" · {event['tiles_per_s']:.1f}/s" if event.get("tiles_per_s") else ""
        left = tr(" · {duration} left", duration=duration(event["eta_s"])) if event.get("eta_s") is not None else ""
        self.progress.setFormat(tr("{} of {} tiles · {} changed{}{}", event["done"], event["total"], event["changed"], rate, left))

    def _offer_alignment(self, needed: bool) -> None:
        self.align_button.setVisible(needed and self.form.options()["align"] == "off")

    def _show_log(self, level: str, text: str) -> None:
        if level in ("warning", "error"):
            self._say(text, Qgis.MessageLevel.Warning)

    def _run_over(self) -> None:
        run = self.run
        self.cancel_button.setEnabled(False)
        if run.resumed and run.layer.dataProvider().name() == "ogr":  # the engine sends only the new tiles
            self.progress.setFormat(tr("Reading the result…"))
            reader = self._list(run.layer)
            reader.finished.connect(self._say_over)
            reader.start()
            return
        if run.has_layer():
            self._work_on(run.layer)
        self._say_over()

    def _say_over(self) -> None:
        run, self.run = self.run, None
        self._set_running(False)
        remember_rate(run.request, run.result or {})
        rows = len(self.results.model.tiles)
        if run.error is None:
            self._interrupted = None
            changed = sum(bool(tile["properties"].get("changed")) for tile in self.results.model.tiles)
            self._say(tr("Done: {} of {} tiles changed. Saved in {}", changed, rows, run.output), Qgis.MessageLevel.Success)
        else:
            self._interrupted = {"request": run.request, "output": run.output}
            kept = tr(" {} tiles were kept.", rows) if rows else ""
            if output_state(run.output) == UNFINISHED and run.request["align"] == self.form.options()["align"]:
                self.form.output.setFilePath(str(run.output))
                kept += tr(" 'Resume' continues from there.")
            text = tr("Cancelled.") if isinstance(run.error, Cancelled) else explain(run.error)
            self._say(text + kept, Qgis.MessageLevel.Info if isinstance(run.error, Cancelled) else Qgis.MessageLevel.Critical)
            self.setup.refresh()
        run.deleteLater()
        self.update_estimate()

    def _say(self, text: str, level) -> None:
        colours = {Qgis.MessageLevel.Critical: "#b3261e", Qgis.MessageLevel.Warning: "#8a5a00", Qgis.MessageLevel.Success: "#1b6e3c"}
        self.message.setText(text)
        self.message.setVisible(bool(text))
        colour = colours.get(level)
        self.message.setStyleSheet(f"color: {colour};" if colour else "")

    def _to_canvas(self, geometry: QgsGeometry) -> QgsRectangle | None:
        shape = QgsGeometry(geometry)
        try:
            shape.transform(QgsCoordinateTransform(self._shown_crs, self._canvas.mapSettings().destinationCrs(), QgsProject.instance()))
        except QgsCsException:
            self._say(tr("This tile cannot be shown in the map's CRS."), Qgis.MessageLevel.Warning)
            return None
        return shape.boundingBox()

    def _restore_canvas(self) -> None:
        self._iface.layerTreeCanvasBridge().setCanvasLayers()
