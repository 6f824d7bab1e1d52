"""The plugin in a QGIS with a window: everything is there after initGui and gone after unload."""

from conftest import FAKE_WORKER
from gui_window import wait_until
from qgis.core import QgsApplication
from qgis.gui import QgsRubberBand
from qgis.PyQt.QtWidgets import QAction, QDockWidget, QToolBar


def left_behind(window):
    main, canvas = window.mainWindow(), window.mapCanvas()
    QgsApplication.sendPostedEvents(None, 52)  # DeferredDelete
    return {
        "docks": [dock.objectName() for dock in main.findChildren(QDockWidget)],
        "toolbars": [bar.objectName() for bar in main.findChildren(QToolBar) if "ChangeScribe" in bar.objectName()],
        "actions": [action.objectName() for action in main.findChildren(QAction) if action.objectName().startswith("changescribe")],
        "menus": [len(window.menu.actions()), len(window.help.actions())],
        "bands": [item for item in canvas.scene().items() if isinstance(item, QgsRubberBand)],
        "children": [child for child in canvas.children() if type(child).__name__ == "CaptionBubble"],
        "factories": list(window.factories),
        "shortcuts": list(window.shortcuts),
        "provider": QgsApplication.processingRegistry().providerById("changescribe"),
    }


def test_loading_starts_no_engine_and_shows_nothing(plugin, engine):
    from changescribe.qgis_plugin.client.worker_client import EngineClient

    assert not EngineClient.instance().running
    assert not plugin.dock.isVisible()
    assert {action.objectName() for action in plugin.actions} == {
        "changescribePanel", "changescribeClick", "changescribeNext", "changescribePrevious", "changescribeJudge",
        "changescribeSettings", "changescribeHelp"
    }  # fmt: skip
    assert all(not action.icon().isNull() for action in plugin.actions)
    assert QgsApplication.processingRegistry().providerById("changescribe") is not None


def test_unloading_twice_leaves_nothing(window, engine, qgis_new_project):
    from changescribe import classFactory

    client = engine()
    registry = QgsApplication.processingRegistry()
    if registry.providerById("changescribe") is not None:  # another test file's
        registry.removeProvider("changescribe")
    before = left_behind(window)
    for _ in range(2):
        plugin = classFactory(window)
        plugin.initGui()
        plugin.iface.mapCanvas().setMapTool(plugin.tool)
        client.start()
        plugin.unload()
        assert not client.running
        assert left_behind(window) == before
        assert window.mapCanvas().mapTool() is None


def test_help_and_style_files_are_there(plugin):
    from changescribe.qgis_plugin.gui.assets import HELP, STYLE

    assert HELP.is_file()
    assert STYLE.is_file()


def test_settings_page_keeps_the_interpreter_and_stops_the_old_engine(plugin, window, engine, tmp_path):
    from changescribe.qgis_plugin.setup import locate
    from qgis.core import QgsSettings

    client = engine()
    client.start()
    page = window.factories[0].createWidget(None)
    page.python.setFilePath(str(tmp_path / "python"))
    page.device.setCurrentText("cpu")
    page.apply()
    try:
        assert locate.chosen_python() == str(tmp_path / "python")
        assert not client.running
        assert QgsSettings().value("changescribe/device") == "cpu"
    finally:
        QgsSettings().remove("changescribe")


def test_a_home_folder_behind_a_link_is_left_out_too(monkeypatch, tmp_path):
    from changescribe.qgis_plugin.processing.engine_status import redacted

    monkeypatch.setenv("HOME", str(tmp_path / "linked"))
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    assert redacted(f"{tmp_path}/linked/x, {tmp_path}/real/y") == "~/x, ~/y"
    monkeypatch.setenv("HOME", "/")
    assert redacted("/usr/bin") == "/usr/bin"


def test_diagnostics_leave_the_home_folder_out(plugin, window, monkeypatch):
    from pathlib import Path

    from changescribe.qgis_plugin.gui.settings.options import redacted
    from qgis.PyQt.QtGui import QGuiApplication

    monkeypatch.setenv("HOME", str(FAKE_WORKER.parent))  # the engine's Python lies there, and the diagnostics name it
    assert redacted(f"{Path.home()}/x") == "~/x"
    page = window.factories[0].createWidget(None)
    page.copy_diagnostics()
    wait_until(page.copy_button.isEnabled)
    text = QGuiApplication.clipboard().text()
    assert "ChangeScribe: " in text and f"~/{FAKE_WORKER.name}" in text
    assert str(Path.home()) not in text
