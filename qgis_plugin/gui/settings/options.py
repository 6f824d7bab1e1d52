"""The plugin's page in Settings › Options."""

from __future__ import annotations

from qgis.core import QgsApplication, QgsSettings, QgsTask
from qgis.gui import QgsFileWidget, QgsOptionsPageWidget, QgsOptionsWidgetFactory
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtGui import QGuiApplication, QIcon
from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QGroupBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ....engine.contract.request import DEVICES
from ...client.worker_client import EngineClient
from ...i18n import tr
from ...processing.engine_status import diagnose, redacted
from ...setup import builds, environment, install, locate
from ..assets import icon
from ..form.model_box import ModelBox
from ..plain import plain_label
from ..run.request import explain
from .settings_values import BUILD_KEY, DEVICE_KEY, MODEL_KEY, WHEELS_KEY, default_device, default_model, wanted_build, wheels_folder
from .setup_bar import SetupBar

PAGE = "changescribeOptions"


class DiagnosticsTask(QgsTask):
    """Collects what helps to find a fault, in the background because it starts the engine."""

    ended = pyqtSignal()

    def __init__(self) -> None:
        super().__init__(tr("ChangeScribe: diagnostics"), QgsTask.Flag.CanCancel)
        self.text = ""

    def run(self) -> bool:
        try:
            lines, _ready = diagnose(_TaskFeedback(self))
            self.text = redacted("\n".join(f"{name}: {value}" for name, value in lines))
        except Exception as error:  # an exception out of QgsTask.run would crash QGIS
            self.text = redacted(explain(error))
        return True

    def finished(self, _ok: bool) -> None:
        self.ended.emit()


class RemoveTask(QgsTask):
    """Stops the engine and deletes its environments in the background: gigabytes in tens of thousands of files. ``problem`` says why not."""

    ended = pyqtSignal()

    def __init__(self) -> None:
        super().__init__(tr("ChangeScribe: remove the engine"), QgsTask.Flag.CancelWithoutPrompt)
        self.removed = False
        self.problem = ""

    def run(self) -> bool:
        try:
            EngineClient.instance().shutdown()
            install.remove()
            self.removed = True
        except Exception as error:  # an exception out of QgsTask.run would crash QGIS
            self.problem = explain(error)
        return True

    def finished(self, _ok: bool) -> None:
        self.ended.emit()


class _TaskFeedback:
    """What ``diagnose`` needs of a feedback: whether the task is cancelled, and a place for the log."""

    def __init__(self, task: QgsTask):
        self.isCanceled = task.isCanceled

    def pushInfo(self, _text: str) -> None:
        """The report holds what matters."""

    pushWarning = pushDebugInfo = pushInfo

    def reportError(self, _text: str, _fatal: bool = False) -> None:
        """The report holds what matters."""


class OptionsPage(QgsOptionsPageWidget):
    """Engine, defaults, diagnostics."""

    def __init__(self, parent: QWidget | None, applied):
        super().__init__(parent)
        self.setObjectName(PAGE)
        self._applied = applied
        self._task: DiagnosticsTask | None = None
        self._removal: RemoveTask | None = None
        layout = QVBoxLayout(self)
        layout.addWidget(self._engine_box())
        layout.addWidget(self._defaults_box())
        row = QHBoxLayout()
        self.copy_button, self.copied = QPushButton(tr("Copy diagnostics")), plain_label()
        row.addWidget(self.copy_button)
        row.addWidget(self.copied, 1)
        layout.addLayout(row)
        layout.addStretch(1)
        self.copy_button.clicked.connect(self.copy_diagnostics)
        self._refresh()

    def apply(self) -> None:
        settings = QgsSettings()
        changed = settings.value(locate.PYTHON_KEY, "", str) != self.python.filePath().strip()
        settings.setValue(locate.PYTHON_KEY, self.python.filePath().strip())
        self._keep_sources()
        settings.setValue(MODEL_KEY, self.model.chosen())
        settings.setValue(DEVICE_KEY, self.device.currentText())
        if changed:
            EngineClient.instance().shutdown()  # the next request starts the newly chosen one
        self._applied.emit()

    def remove_environment(self) -> None:
        for button in (self.repair, self.remove):
            button.setEnabled(False)
        self.state.setText(tr("Removing…"))
        self._removal = RemoveTask()
        self._removal.ended.connect(self._removed)
        QgsApplication.taskManager().addTask(self._removal)

    def _removed(self) -> None:
        task, self._removal = self._removal, None
        self.repair.setEnabled(True)
        self._refresh()
        self.state.setText(tr("Removed.") + "\n" + self.state.text() if task.removed else tr("Not removed: {}", task.problem))

    def copy_diagnostics(self) -> None:
        self.copy_button.setEnabled(False)
        self.copied.setText(tr("Collecting; this starts the engine…"))
        self._task = DiagnosticsTask()
        self._task.ended.connect(self._diagnosed)
        QgsApplication.taskManager().addTask(self._task)

    def _diagnosed(self) -> None:
        task, self._task = self._task, None
        QGuiApplication.clipboard().setText(task.text)
        self.copy_button.setEnabled(True)
        self.copied.setText(tr("Copied. The name of your home folder is left out."))

    def _engine_box(self) -> QGroupBox:
        box = QGroupBox(tr("Engine"))
        form = QFormLayout(box)
        self.python, self.wheels = QgsFileWidget(), QgsFileWidget()
        self.python.setFilePath(QgsSettings().value(locate.PYTHON_KEY, "", str))
        self.python.lineEdit().setPlaceholderText(tr("empty: the managed environment"))
        self.python.setToolTip(tr("A Python that has PyTorch and the engine's other libraries (conda, HPC, an NVIDIA GPU)"))
        self.wheels.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.wheels.setFilePath(wheels_folder())
        self.wheels.lineEdit().setPlaceholderText(tr("empty: download"))
        self.build = QComboBox()
        self.build.addItem(tr("chosen by the driver"), builds.AUTO)
        for build in builds.BUILDS.get(builds.system_name(), ()):
            self.build.addItem(f"{build.label}: {build.sizes}", build.id)
        self.build.setCurrentIndex(max(0, self.build.findData(wanted_build())))
        self.state = plain_label()
        self.setup = SetupBar()
        self.repair, self.remove = QPushButton(tr("Set up or repair")), QPushButton(tr("Remove"))
        row = QHBoxLayout()
        row.addWidget(self.repair)
        row.addWidget(self.remove)
        row.addStretch(1)
        form.addRow(tr("Python interpreter"), self.python)
        form.addRow(tr("Folder of wheels (offline)"), self.wheels)
        form.addRow(tr("PyTorch for"), self.build)
        form.addRow(tr("Managed environment"), self.state)
        form.addRow("", row)
        form.addRow(self.setup)
        self.setup.button.hide()
        self.repair.clicked.connect(self._repair)
        self.remove.clicked.connect(self.remove_environment)
        self.setup.ended.connect(self._set_up_over)
        return box

    def _defaults_box(self) -> QGroupBox:
        box = QGroupBox(tr("Defaults of the panel"))
        form = QFormLayout(box)
        self.model, self.device = ModelBox(default_model()), QComboBox()
        self.device.addItems(DEVICES)
        self.device.setCurrentText(default_device())
        form.addRow(tr("Model"), self.model)
        form.addRow(tr("Device"), self.device)
        return box

    def _repair(self) -> None:
        self._keep_sources()
        self.setup.start()

    def _keep_sources(self) -> None:
        QgsSettings().setValue(WHEELS_KEY, self.wheels.filePath().strip())
        QgsSettings().setValue(BUILD_KEY, self.build.currentData())

    def _set_up_over(self, done: bool) -> None:
        if done:  # else the bar says why not
            self._refresh()

    def _refresh(self) -> None:
        folder = environment.environment_folder()
        ready = environment.python_path() is not None
        found = environment.report()
        lines = (
            [tr("Set up in {}", folder), found.get("message", ""), found.get("note", "")]
            if ready
            else [tr("Not set up. Will be installed in {}", folder)]
        )
        others = [other.name for other in environment.folders() if other != folder]
        lines += [tr("Of other versions: {}", ", ".join(others))] if others else []
        self.state.setText("\n".join(line for line in lines if line))
        self.remove.setEnabled(self._removal is None and bool(environment.folders()))
        self.setup.setVisible(self.setup.task is not None)


class _Applied(QObject):
    """The factory is no QObject that Python could give a signal."""

    applied = pyqtSignal()


class OptionsFactory(QgsOptionsWidgetFactory):
    """Makes the page; ``applied`` after the user has accepted it."""

    def __init__(self) -> None:
        super().__init__()
        self._signals = _Applied()
        self.applied = self._signals.applied

    def icon(self) -> QIcon:
        return icon("changescribe")

    def createWidget(self, parent: QWidget | None) -> OptionsPage:
        return OptionsPage(parent, self.applied)
