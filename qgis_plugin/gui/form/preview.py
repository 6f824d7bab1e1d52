"""Before the run: a tile of both dates as the model will see them. The engine makes it, so that it is the run's own bands, stretch and resolution."""

from __future__ import annotations

import base64

from qgis.core import QgsApplication
from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtGui import QPixmap
from qgis.PyQt.QtWidgets import QGridLayout, QWidget

from ....engine.contract.errors import ChangeScribeError
from ...client.worker_client import EngineClient
from ...i18n import tr
from ..plain import plain_label
from ..results.compare import Picture
from ..run.ask import AskTask
from ..run.point import PointRequest, preview_request
from ..run.request import explain

SIDE_PX = 130


class PreviewBox(QgsCollapsibleGroupBox):
    """Two pictures and what was done to the values. Asks the engine only while it is open; ``opened`` when it needs to be refreshed.

    ``offset`` tells whether the dates were found to lie off each other.
    """

    opened = pyqtSignal()
    offset = pyqtSignal(bool)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(tr("What the model will see"), parent)
        self.task: AskTask | None = None
        self._shown = ""  # key of the request whose pictures are there
        self._asked = ""  # key of the request on its way
        self._wanted: PointRequest | None = None  # the latest
        self.pictures = {"before": Picture(tr("Before")), "after": Picture(tr("After"))}
        self.texts = {name: plain_label() for name in self.pictures}
        self.message = plain_label()
        layout = QGridLayout(self)
        for column, name in enumerate(self.pictures):
            self.pictures[name].setFixedHeight(SIDE_PX)
            layout.addWidget(self.pictures[name], 0, column)
            layout.addWidget(self.texts[name], 1, column)
            layout.setColumnStretch(column, 1)
        layout.addWidget(self.message, 2, 0, 1, 2)
        self.setCollapsed(True)
        self.collapsedStateChanged.connect(lambda collapsed: None if collapsed else self.opened.emit())

    def refresh(self, form) -> None:
        """Show the form's preview, unless it is there or the box is closed; the latest of several that are asked for while one is made."""
        if self.isCollapsed():
            return
        try:
            wanted = preview_request(form)
        except ChangeScribeError as error:
            self._wanted = None
            self._clear(explain(error) if None not in form.layers() else tr("Choose both layers."))
            return
        self._wanted = wanted
        if self.task is None and wanted.key != self._shown:
            self._ask(wanted)

    def dispose(self) -> None:
        task, self.task = self.task, None
        if task is not None:
            task.ended.disconnect(self._answered)
            task.cancel()

    def _ask(self, wanted: PointRequest) -> None:
        self._asked = wanted.key
        busy = EngineClient.instance().captioning
        self.message.setText(tr("A run is in progress. This starts when it finishes.") if busy else tr("The engine reads the layers…"))
        self.task = AskTask(tr("ChangeScribe: preview"), {"type": "preview", "request": wanted.request}, wanted.exports)
        self.task.ended.connect(self._answered)
        QgsApplication.taskManager().addTask(self.task)

    def _answered(self) -> None:
        task, self.task = self.task, None
        if self._wanted is None:  # since then the form makes no request, and says why
            return
        if self._wanted.key != self._asked:
            self._ask(self._wanted)
        elif task.result is not None:
            self._shown = self._asked
            self._show(task.result, task.notes)
        else:
            self._clear(explain(task.error) if task.error is not None else "")

    def _show(self, found: dict, notes: list[str]) -> None:
        for name in self.pictures:
            picture = QPixmap()
            picture.loadFromData(base64.b64decode(found[name]["png"]), "PNG")
            self.pictures[name].set_picture(picture)
            self.texts[name].setText(values_text(found[name]))
        found_notes = [found[name] for name in ("alignment", "offset") if found.get(name)]
        place = tr("Tile {} in the middle of the area, {:.2g} m per pixel.", found["tile_id"], found["gsd_m"])
        self.message.setText("\n".join([place, *found_notes, *notes]))
        self.offset.emit(bool(found.get("offset")))

    def _clear(self, text: str) -> None:
        self._shown = ""
        for name in self.pictures:
            self.pictures[name].set_picture(QPixmap())
            self.texts[name].clear()
        self.message.setText(text)


def values_text(date: dict) -> str:
    """Bands of a date and which of their values become black and white."""
    bands = tr("bands {}", ", ".join(map(str, date["bands"])))
    if date["low"] is None:
        return tr("{}; values as they are", bands)
    limits = [f"{low:.4g}–{high:.4g}" for low, high in zip(date["low"], date["high"])]
    return tr("{}; black to white: {}", bands, ", ".join(dict.fromkeys(limits)))
