"""One short question to the engine, in the background."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from ....engine.contract.errors import ChangeScribeError, EngineError
from ...client.worker_client import EngineClient
from ...i18n import tr
from ...layers.exports import Export
from .request import explain


class AskTask(QgsTask):
    """Writes what must be written first, sends one message and keeps its result.

    Attributes
    ----------
    result, error : one of them is set when ``ended`` is emitted; neither where the task was cancelled before it began
    notes : what the user should know of the layers that were fetched
    """

    ended = pyqtSignal()

    def __init__(self, title: str, message: dict, exports: list[Export]):
        super().__init__(title, QgsTask.Flag.CanCancel)
        self._message, self._exports = message, exports
        self.result: dict | None = None
        self.error: ChangeScribeError | None = None
        self.notes: list[str] = []

    def run(self) -> bool:
        try:
            for export in self._exports:
                Path(export.path).parent.mkdir(parents=True, exist_ok=True)
                self.notes += export.write(self.isCanceled)
            self.result = EngineClient.instance().submit(self._message).wait(self.isCanceled)
        except ChangeScribeError as error:
            self.error = error
        except Exception as error:  # an exception out of QgsTask.run would crash QGIS
            self.error = EngineError(explain(error), "", tr("try again"))
        return self.error is None

    def finished(self, _ok: bool) -> None:
        self.ended.emit()
