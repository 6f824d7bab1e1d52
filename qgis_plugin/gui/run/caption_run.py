"""One run of the engine in the background, and its live layer on the map."""

from __future__ import annotations

import time
from pathlib import Path

from qgis.core import QgsApplication, QgsCoordinateReferenceSystem, QgsDateTimeRange, QgsProject, QgsTask, QgsVectorLayer
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ....engine.contract.errors import Cancelled, ChangeScribeError, EngineError
from ....engine.contract.tiles import LAYER_NAME
from ...client.call import POLL_S
from ...client.worker_client import EngineClient
from ...client.worker_process import GRACE_S
from ...i18n import tr
from ...layers.areas import AreaFile
from ...layers.exports import Export
from ...layers.grid_layer import STYLE, grid_feature, grid_fields, save_style, set_period
from ..plain import log

FLUSH_MS = 300  # the map is redrawn this often while tiles come


class CaptionTask(QgsTask):
    """Writes what must be written first, sends one caption request, forwards its events and puts the style into the file.

    Works in a thread of QGIS's task manager: a slow disk stops nothing.

    Signals
    -------
    happened : dict, a protocol event
    ended : after the run, in the main thread; ``result`` or ``error`` is set
    """

    happened = pyqtSignal(dict)
    ended = pyqtSignal()

    def __init__(self, request: dict, output: Path, resume: bool, exports: list[Export | AreaFile], period: QgsDateTimeRange | None):
        super().__init__(tr("ChangeScribe: caption changes"), QgsTask.Flag.CanCancel)
        self._exports, self._output, self._period = exports, output, period
        self._message = {"type": "caption", "request": request, "output": str(output), "resume": resume}
        self.result: dict | None = None
        self.error: ChangeScribeError | None = None

    def run(self) -> bool:
        try:
            self._caption()
        except ChangeScribeError as error:
            self.error = error
        except Exception as error:  # an exception out of QgsTask.run would crash QGIS
            self.error = EngineError(
                f"{type(error).__name__}: {error}", "", tr("copy the diagnostics (Settings > Options > ChangeScribe) and report it")
            )
        return self.error is None

    def _caption(self) -> None:
        self._fetch()
        call = EngineClient.instance().submit(self._message)
        try:
            self.result = call.wait(self.isCanceled, self._on_event)
        except Cancelled:
            self._wait_for_file(call)
            raise
        finally:
            self._keep_style()

    def _keep_style(self) -> None:
        """Put style and period into the file; a function of its own, so that no error's traceback keeps the layer for another thread to delete."""
        stored = output_layer(self._output)
        if stored is not None:
            save_style(stored, self._period)

    def finished(self, _ok: bool) -> None:
        if self.error is None and self.result is None:  # cancelled before it began
            self.error = Cancelled(tr("the run was cancelled"))
        self.ended.emit()

    def _fetch(self) -> None:
        """Write the layers that the engine does not open itself, and the area's polygons."""
        for export in self._exports:
            self.happened.emit({"type": "fetching", "name": export.name})
            for note in export.write(self.isCanceled):
                self.happened.emit({"type": "log", "level": "warning", "message": note})

    def _on_event(self, event: dict) -> None:
        if event["type"] == "progress" and event.get("total"):
            self.setProgress(100 * event["done"] / event["total"])
        self.happened.emit(event)

    @staticmethod
    def _wait_for_file(call) -> None:
        """Let the engine end its batch and commit: its file is opened next."""
        end = time.monotonic() + GRACE_S
        while not call.done and time.monotonic() < end:
            time.sleep(POLL_S)


class CaptionRun(QObject):
    """A run as the panel sees it.

    Signals
    -------
    tiles : list of tile bodies (properties, footprint), as they come
    progressed : dict, a progress event
    fetching : name of a layer that is being written
    logged : (level, message)
    offset : the dates lie off each other, and the run does not align them
    finished : when all is over and ``layer`` is final; ``error`` is None after success

    Parameters
    ----------
    period : QgsDateTimeRange or None
        From the before to the after date, for the layer's temporal settings; None where the dates are unknown.
    """

    tiles = pyqtSignal(list)
    progressed = pyqtSignal(dict)
    fetching = pyqtSignal(str)
    logged = pyqtSignal(str, str)
    offset = pyqtSignal()
    finished = pyqtSignal()

    def __init__(
        self,
        request: dict,
        output: Path,
        resume: bool,
        crs: QgsCoordinateReferenceSystem,
        exports: list[Export | AreaFile],
        period: QgsDateTimeRange | None,
        parent: QObject | None = None,
    ):
        super().__init__(parent)
        self.request, self.output, self.resumed = request, output, resume
        self.error: ChangeScribeError | None = None
        self.result: dict | None = None
        self._pending: list[dict] = []
        self._period = period
        self.layer = live_layer(crs)
        set_period(self.layer, period)
        self._layer_id = self.layer.id()
        self._task: CaptionTask | None = CaptionTask(request, output, resume, exports, period)
        self._task.happened.connect(self._on_event)
        self._task.ended.connect(self._on_ended)
        self._timer = QTimer(self)
        self._timer.setInterval(FLUSH_MS)
        self._timer.timeout.connect(self.flush)

    def start(self) -> None:
        place_on_top(self.layer)
        self._timer.start()
        QgsApplication.taskManager().addTask(self._task)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def dispose(self) -> None:
        """Cancel without waiting for signals (the plugin is unloaded)."""
        self._timer.stop()
        if self._task is None:
            return
        self._task.happened.disconnect(self._on_event)
        self._task.ended.disconnect(self._on_ended)
        self._task.cancel()

    def flush(self) -> None:
        """Put the tiles that have come since the last time on the map and into the list."""
        if not self._pending:
            return
        tiles, self._pending = self._pending, []
        if self.has_layer():
            fields = self.layer.fields()
            self.layer.dataProvider().addFeatures([grid_feature(fields, tile) for tile in tiles])
            self.layer.updateExtents()
            self.layer.triggerRepaint()
        self.tiles.emit(tiles)

    def has_layer(self) -> bool:
        """The user may have removed the live layer from the project."""
        return QgsProject.instance().mapLayer(self._layer_id) is not None

    def _on_event(self, event: dict) -> None:
        kind = event["type"]
        if kind == "tile":
            self._pending.append(event["tile"])
        elif kind == "progress":
            self.progressed.emit(event)
        elif kind == "fetching":
            self.fetching.emit(event["name"])
        elif kind == "log":
            log(event["message"])
            self.logged.emit(event["level"], event["message"])
            if event.get("offer") == "align":
                self.offset.emit()

    def _on_ended(self) -> None:
        self._timer.stop()
        self.flush()
        task, self._task = self._task, None  # QGIS deletes it
        self.result, self.error = task.result, task.error
        stored = output_layer(self.output)
        if stored is not None:
            self._swap(stored)
        elif self.has_layer() and self.layer.featureCount() == 0:
            QgsProject.instance().removeMapLayer(self._layer_id)
        elif self.has_layer():
            self.layer.setName(tr("{layer} (not saved)", layer=LAYER_NAME))
        self.finished.emit()

    def _swap(self, stored: QgsVectorLayer) -> None:
        """Put the file's layer in the live layer's place."""
        project = QgsProject.instance()
        set_period(stored, self._period)  # QGIS 3.22 forgets that of the file's style when it opens it
        node = project.layerTreeRoot().findLayer(self._layer_id)
        place_on_top(stored)
        if node is not None:
            parent = node.parent()
            target = parent.children().index(node)
            new = project.layerTreeRoot().findLayer(stored.id())
            parent.insertChildNode(target, new.clone())
            new.parent().removeChildNode(new)
            project.removeMapLayer(self._layer_id)
        self.layer, self._layer_id = stored, stored.id()


def live_layer(crs: QgsCoordinateReferenceSystem) -> QgsVectorLayer:
    """An empty, styled memory layer with the output's fields."""
    layer = QgsVectorLayer("Polygon", tr("{layer} (running)", layer=LAYER_NAME), "memory")
    layer.setCrs(crs)
    layer.dataProvider().addAttributes(grid_fields().toList())
    layer.updateFields()
    layer.loadNamedStyle(str(STYLE))
    layer.setCustomProperty("skipMemoryLayersCheck", 1)  # QGIS need not ask to save it: the engine writes the file
    return layer


def output_layer(path: Path) -> QgsVectorLayer | None:
    """The file's layer, named after the file, or None if the file is not there or holds no tile."""
    if not path.is_file():
        return None
    layer = QgsVectorLayer(f"{path}|layername={LAYER_NAME}", path.stem, "ogr")
    return layer if layer.isValid() and layer.featureCount() > 0 else None


def place_on_top(layer: QgsVectorLayer) -> None:
    QgsProject.instance().addMapLayer(layer, False)
    QgsProject.instance().layerTreeRoot().insertLayer(0, layer)
