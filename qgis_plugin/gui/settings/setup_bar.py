"""The bar that sets up the engine when there is none."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication, QgsSettings, QgsTask
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QFrame, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from ....engine.contract.errors import Cancelled, ChangeScribeError, EngineError
from ...client.worker_client import EngineClient
from ...i18n import tr
from ...setup import environment, install, locate
from ...setup.builds import amount
from ..plain import plain_label
from ..run.request import explain
from .settings_values import BUILD_KEY, wanted_build, wheels_folder


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
        self._wanted = wanted_build()
        self.said = (0.0, tr("Setting up the engine…"))
        self.error: ChangeScribeError | None = None

    def run(self) -> bool:
        try:
            # A running engine holds files of the environment open, which Windows does not let go.
            EngineClient.instance().shutdown()
            install.install(self.isCanceled, self._on_progress, self._wheels, self._wanted)
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


class PlanTask(QgsTask):
    """Looks in the background what a set-up would take: it asks Pythons and the NVIDIA driver. ``ended`` in the main thread."""

    ended = pyqtSignal()

    def __init__(self) -> None:
        super().__init__(tr("ChangeScribe: inspect this computer"), QgsTask.Flag.CanCancel)
        self._wanted = wanted_build()
        self.plan: install.Plan | None = None
        self.problem = ""

    def run(self) -> bool:
        try:
            self.plan = install.plan(self._wanted)
        except Exception as error:  # an exception out of QgsTask.run would crash QGIS
            self.problem = explain(error)
        return True

    def finished(self, _ok: bool) -> None:
        self.ended.emit()


class SetupBar(QFrame):
    """Says that the engine is missing and sets it up; hidden while there is one.

    Signals
    -------
    ended : after a set-up; whether there is an engine now
    """

    ended = pyqtSignal(bool)

    def __init__(self, parent: QWidget | None = None):
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.task: SetupTask | None = None
        self._looking: PlanTask | None = None
        self.label = plain_label()
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.builds = QComboBox()
        self.builds.setToolTip(tr("Which PyTorch the engine uses"))
        self.builds.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.button, self.cancel_button = QPushButton(tr("Set up the engine")), QPushButton(tr("Cancel"))
        row = QHBoxLayout()
        row.addWidget(self.button, 1)
        row.addWidget(self.progress, 1)
        row.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.label)
        layout.addWidget(self.builds)
        layout.addLayout(row)
        self.button.clicked.connect(self.start)
        self.builds.activated.connect(self._choose)
        self.cancel_button.clicked.connect(self.cancel)
        self.builds.hide()
        self._set_busy(False)
        self.refresh()

    @property
    def missing(self) -> bool:
        """Whether there is no engine (looks at files only)."""
        try:
            locate.find_python()
        except EngineError:
            return True
        return False

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
            self.label.setText(error.got[:1].upper() + error.got[1:] + ".")
            self.show()
            self._look()
        else:
            self.hide()

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._look()

    def _look(self) -> None:
        """Find out, once somebody sees it, what a set-up would take."""
        if self._looking is not None or self.task is not None or not self.isVisible() or not self.missing:
            return
        self._looking = PlanTask()
        self._looking.ended.connect(self._looked)
        self.button.setEnabled(False)
        QgsApplication.taskManager().addTask(self._looking)

    def _looked(self) -> None:
        found, self._looking = self._looking, None
        self.button.setEnabled(True)
        if self.task is not None:
            return
        if found.plan is None:
            self.label.setText(found.problem or tr("This computer could not be inspected."))
            return
        build = found.plan.choice.build
        self.label.setText(tr("The captioning engine needs to be set up once.") + " " + found.plan.describe())
        self.button.setText(tr("Set up the engine ({size} to download)", size=amount(build.download_mb)))
        self.builds.clear()
        for offer in found.plan.offers:
            self.builds.addItem(f"{offer.label}: {offer.sizes}", offer.id)
        self.builds.setCurrentIndex(self.builds.findData(build.id))
        self.builds.setVisible(len(found.plan.offers) > 1)

    def _choose(self, _index: int) -> None:
        QgsSettings().setValue(BUILD_KEY, self.builds.currentData())
        self._look()

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
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.ended.disconnect(self._looked)
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
            self._say_note()
        elif isinstance(task.error, Cancelled):
            self.label.setText(tr("Cancelled. The next set-up continues where this one stopped."))
        else:
            self.label.setText(explain(task.error))
        self.ended.emit(task.error is None)

    def _say_note(self) -> None:
        """Show what the set-up could not do as planned, such as a GPU that does not compute; the bar stays until the panel is shown anew."""
        note = environment.report().get("note")
        if note and not self.missing:
            self.label.setText(note)
            self.button.hide()
            self.show()

    def _set_busy(self, busy: bool) -> None:
        self.builds.setVisible(not busy and self.builds.count() > 1)
        self.button.setVisible(not busy)
        self.progress.setVisible(busy)
        self.cancel_button.setVisible(busy)
        self.progress.setValue(0)
