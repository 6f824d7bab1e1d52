"""The bar that sets up the engine when there is none."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication, QgsTask
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from ...engine.errors import Cancelled, ChangeScribeError, EngineError
from ..client import install, locate
from ..client.worker_client import EngineClient
from ..i18n import tr
from .plain import plain_label
from .request import explain
from .settings import wheels_folder


class SetupTask(QgsTask):
    """Makes or repairs the managed environment in the background.

    Signals
    -------
    progressed : (share done 0..1, line of text)
    ended : after the run, in the main thread; ``error`` is None after success

    Attributes
    ----------
    current : the one at work, if any; settings page and panel show the same one
    """

    current: SetupTask | None = None
    progressed = pyqtSignal(float, str)
    ended = pyqtSignal()

    def __init__(self) -> None:
        super().__init__(tr("ChangeScribe: set up the engine"), QgsTask.Flag.CanCancel)
        self._wheels = Path(wheels_folder()) if wheels_folder() else None
        self.said = (0.0, tr("Setting up the engine…"))
        self.error: ChangeScribeError | None = None

    def run(self) -> bool:
        try:
            # A running engine holds files of the environment open, which Windows does not let go.
            EngineClient.instance().shutdown()
            install.install(self.isCanceled, self._on_progress, self._wheels)
        except ChangeScribeError as error:
            self.error = error
        except Exception as error:  # an exception out of QgsTask.run would crash QGIS
            self.error = EngineError(explain(error), "", tr("try again; if it fails again, copy the diagnostics and report it"))
        return self.error is None

    def finished(self, _ok: bool) -> None:
        SetupTask.current = None
        if self.error is None and self.isCanceled():  # before it began
            self.error = Cancelled(tr("the set-up was cancelled"))
        self.ended.emit()

    def _on_progress(self, share: float, text: str) -> None:
        self.setProgress(100 * share)
        self.said = (share, text)
        self.progressed.emit(share, text)


class SetupBar(QFrame):
    """Says that the engine is missing and sets it up; hidden while there is one. ``ready`` after a set-up."""

    ready = pyqtSignal()

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.task: SetupTask | None = None
        self.label = plain_label()
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.button, self.cancel_button = QPushButton(), QPushButton(tr("Cancel"))
        self.button.setText(tr("Set up the engine (about {} MB)…", install.DOWNLOAD_MB))
        row = QHBoxLayout()
        row.addWidget(self.button, 1)
        row.addWidget(self.progress, 1)
        row.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.label)
        layout.addLayout(row)
        self.button.clicked.connect(self.start)
        self.cancel_button.clicked.connect(self.cancel)
        self._set_busy(False)
        self.refresh()

    def refresh(self) -> None:
        """Look (at files only) whether there is an engine."""
        if self.task is not None:
            return
        if SetupTask.current is not None:
            self._follow(SetupTask.current)
            return
        try:
            locate.find_python()
        except EngineError as error:
            self.label.setText(
                tr(
                    "{}. It is downloaded once, takes about {:.1f} GB of disk and leaves QGIS's own Python as it is.",
                    error.got[:1].upper() + error.got[1:],
                    install.DISK_MB / 1000,
                )
            )
            self.show()
        else:
            self.hide()

    def start(self) -> None:
        """Set up the engine; shows the set-up that is at work if there is one."""
        if SetupTask.current is not None:
            self._follow(SetupTask.current)
            return
        task = SetupTask.current = SetupTask()
        self._follow(task)
        QgsApplication.taskManager().addTask(task)

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()
            self.label.setText(tr("Cancelling…"))

    def dispose(self) -> None:
        """Cancel the set-up that is at work (the plugin is unloaded)."""
        task, self.task = self.task, None
        if task is not None:
            task.progressed.disconnect(self._on_progress)
            task.ended.disconnect(self._on_ended)
        if SetupTask.current is not None:
            SetupTask.current.cancel()

    def _follow(self, task: SetupTask) -> None:
        self.task = task
        self._set_busy(True)
        self.show()
        task.progressed.connect(self._on_progress)
        task.ended.connect(self._on_ended)
        self._on_progress(*task.said)  # after connecting: what is said from now on comes by the signal

    def _on_progress(self, share: float, text: str) -> None:
        self.progress.setValue(round(1000 * share))
        self.label.setText(text[:160])

    def _on_ended(self) -> None:
        task, self.task = self.task, None
        self._set_busy(False)
        if task.error is None:
            self.refresh()
            self.ready.emit()
        elif isinstance(task.error, Cancelled):
            self.label.setText(tr("Cancelled. The next set-up goes on where this one stopped."))
        else:
            self.label.setText(explain(task.error))

    def _set_busy(self, busy: bool) -> None:
        self.button.setVisible(not busy)
        self.progress.setVisible(busy)
        self.cancel_button.setVisible(busy)
        self.progress.setValue(0)
