"""The plugin as QGIS sees it; ``unload`` undoes all that ``initGui`` did. Nothing is started or asked when QGIS starts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qgis.core import QgsApplication, QgsSettings
from qgis.PyQt.QtCore import QCoreApplication, QObject, Qt, QTranslator, QUrl
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import QAction, QToolBar

from .client.worker_client import EngineClient
from .gui.assets import HELP, icon
from .gui.dock import WIDTH_PX, ChangeScribeDock
from .gui.map.click_tool import ClickTool
from .gui.settings.options import PAGE, OptionsFactory
from .i18n import install_translator, tr
from .processing.provider import ChangeScribeProvider

MENU = "ChangeScribe"
GREETED_KEY = "changescribe/greeted"
NEXT_KEYS, PREVIOUS_KEYS, JUDGE_KEYS = "Ctrl+Shift+Right", "Ctrl+Shift+Left", "Ctrl+Alt+J"  # to be changed in Settings › Keyboard Shortcuts


class ChangeScribePlugin(QObject):
    """Actions, toolbar, Raster menu, panel, click tool, settings page and Processing provider."""

    def __init__(self, iface):
        super().__init__()
        self.iface = iface
        self.actions: list[QAction] = []
        self.toolbar: QToolBar | None = None
        self.dock: ChangeScribeDock | None = None
        self.tool: ClickTool | None = None
        self.provider: ChangeScribeProvider | None = None
        self.options: OptionsFactory | None = None
        self.help_action: QAction | None = None
        self.translator: QTranslator | None = None

    def initProcessing(self) -> None:
        """Register the provider; also called alone, by ``qgis_process``."""
        self.translator = self.translator or install_translator()
        self.provider = ChangeScribeProvider()
        if not QgsApplication.processingRegistry().addProvider(self.provider):
            self.provider = None  # there is one already, and QGIS has deleted this one

    def initGui(self) -> None:
        self.initProcessing()
        self.dock = ChangeScribeDock(self.iface, self.iface.mainWindow())
        self.iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.dock.hide()
        self.dock.visibilityChanged.connect(self._widen_once)
        self.tool = ClickTool(self.iface.mapCanvas(), self.dock.click_request)
        self._add_actions()
        self.options = OptionsFactory()
        self.options.setTitle(MENU)
        self.options.applied.connect(self.dock.setup.refresh)
        self.iface.registerOptionsWidgetFactory(self.options)
        self._greet()

    def unload(self) -> None:
        self._remove_actions()
        if self.options is not None:
            self.iface.unregisterOptionsWidgetFactory(self.options)
            self.options = None
        if self.tool is not None:
            self.tool.dispose()
            self.tool.deleteLater()
            self.tool = None
        if self.dock is not None:
            self.dock.dispose()
            self.iface.removeDockWidget(self.dock)
            self.dock.deleteLater()
            self.dock = None
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
        if self.translator is not None:
            QCoreApplication.removeTranslator(self.translator)
            self.translator = None
        EngineClient.instance().shutdown()

    def show_help(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(HELP)))

    def show_settings(self) -> None:
        self.iface.showOptionsDialog(self.iface.mainWindow(), PAGE)

    def _add_actions(self) -> None:
        self.toolbar = self.iface.addToolBar(MENU)
        self.toolbar.setObjectName("ChangeScribeToolBar")
        panel = self._action("Panel", "changescribe", tr("ChangeScribe panel"), None)
        panel.setCheckable(True)
        self.dock.setToggleVisibilityAction(panel)
        click = self._action("Click", "click", tr("Caption the tile under a click"), self._use_tool)
        click.setCheckable(True)
        self.tool.setAction(click)
        for name, text, by, keys in (("Next", tr("Next changed tile"), 1, NEXT_KEYS), ("Previous", tr("Previous changed tile"), -1, PREVIOUS_KEYS)):
            action = self._action(name, name.lower(), text, partial(self._step, by), False)
            self.iface.registerMainWindowAction(action, keys)
        judge = self._action("Judge", "judge", tr("Judge a sample"), self._judge, False)
        self.iface.registerMainWindowAction(judge, JUDGE_KEYS)
        self._action("Settings", "settings", tr("Settings…"), self.show_settings, False)
        self.help_action = self._action("Help", "help", tr("Help"), self.show_help, False)
        self.iface.pluginHelpMenu().addAction(self.help_action)

    def _action(self, name: str, icon_name: str, text: str, slot: Callable | None, in_toolbar: bool = True) -> QAction:
        action = QAction(icon(icon_name), text, self.iface.mainWindow())
        action.setObjectName(f"changescribe{name}")
        if slot is not None:
            action.triggered.connect(slot)
        if in_toolbar:
            self.toolbar.addAction(action)
        self.iface.addPluginToRasterMenu(MENU, action)
        self.actions.append(action)
        return action

    def _remove_actions(self) -> None:
        if self.help_action is not None:
            self.iface.pluginHelpMenu().removeAction(self.help_action)
            self.help_action = None
        for action in self.actions:
            if action.objectName() in ("changescribeNext", "changescribePrevious", "changescribeJudge"):
                self.iface.unregisterMainWindowAction(action)
            self.iface.removePluginRasterMenu(MENU, action)
            action.deleteLater()
        self.actions = []
        if self.toolbar is not None:
            self.iface.mainWindow().removeToolBar(self.toolbar)
            self.toolbar.deleteLater()
            self.toolbar = None

    def _greet(self) -> None:
        """Show the panel when somebody has just installed the plugin: once, and never while QGIS starts, when its window is not there yet."""
        if self.iface.mainWindow().isVisible() and not QgsSettings().value(GREETED_KEY, False, bool):
            QgsSettings().setValue(GREETED_KEY, True)
            self.dock.show()

    def _widen_once(self, visible: bool) -> None:
        """Give the panel a readable width when it is first shown; afterwards the user's own width counts."""
        if visible:
            self.dock.visibilityChanged.disconnect(self._widen_once)
            self.iface.mainWindow().resizeDocks([self.dock], [max(WIDTH_PX, self.dock.width())], Qt.Orientation.Horizontal)

    def _step(self, by: int, _checked: bool = False) -> None:
        if not self.dock.step(by):
            self.iface.messageBar().pushInfo(MENU, tr("No tiles are listed: caption an area, or list a layer of captions in the panel."))

    def _judge(self, _checked: bool = False) -> None:
        self.dock.setUserVisible(True)
        self.dock.pages.setCurrentWidget(self.dock.judging)
        self.dock.judging.begin()

    def _use_tool(self, _checked: bool = False) -> None:
        self.iface.mapCanvas().setMapTool(self.tool)
