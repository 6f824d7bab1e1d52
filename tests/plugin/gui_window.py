"""What the tests of the window share: an iface that holds what it is given, the loaded plugin, rasters on the fake worker's grid."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer, QgsRectangle
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QKeySequence
from qgis.PyQt.QtWidgets import QMenu

from helpers import write_raster

ROOT = Path(__file__).resolve().parents[2]
# A Python with the real engine; tests that need one are skipped without.
REAL_PYTHON = os.environ.get("CHANGESCRIBE_PYTHON", "")
needs_engine = pytest.mark.skipif(not Path(REAL_PYTHON).is_file(), reason="CHANGESCRIBE_PYTHON names no Python with the engine")


class Window:
    """pytest-qgis's iface with what its mock leaves out: dock, toolbar and menus that really hold what they are given."""

    def __init__(self, iface):
        self._iface, self.menu, self.help, self.factories, self.shortcuts = iface, QMenu(), QMenu(), [], []

    def __getattr__(self, name):
        return getattr(self._iface, name)

    def mapCanvas(self):
        return self._iface.mapCanvas()

    def addDockWidget(self, area, dock):
        self._iface.mainWindow().addDockWidget(area, dock)

    def removeDockWidget(self, dock):
        self._iface.mainWindow().removeDockWidget(dock)

    def addToolBar(self, name):
        return self._iface.mainWindow().addToolBar(name)

    def registerMainWindowAction(self, action, keys):
        action.setShortcut(QKeySequence(keys))
        self._iface.mainWindow().addAction(action)
        self.shortcuts.append(action.objectName())
        return True

    def unregisterMainWindowAction(self, action):
        self._iface.mainWindow().removeAction(action)
        self.shortcuts.remove(action.objectName())
        return True

    def addPluginToRasterMenu(self, _name, action):
        self.menu.addAction(action)

    def removePluginRasterMenu(self, _name, action):
        self.menu.removeAction(action)

    def pluginHelpMenu(self):
        return self.help

    def registerOptionsWidgetFactory(self, factory):
        self.factories.append(factory)

    def unregisterOptionsWidgetFactory(self, factory):
        self.factories.remove(factory)


@pytest.fixture
def window(qgis_iface):
    return Window(qgis_iface)


@pytest.fixture
def plugin(window, engine, qgis_new_project):
    from changescribe import classFactory

    engine()
    made = classFactory(window)
    made.initGui()
    yield made
    if made.dock is not None:
        made.unload()


@pytest.fixture
def pair(qgis_new_project, tmp_path):
    """A before and an after layer in the project, on the fake worker's ground: 512 m from (0, 0), EPSG:32633."""
    layers = []
    for name in ("before", "after"):
        path = write_raster(tmp_path / f"{name}.tif", size=64, origin=(0.0, 512.0), pixel=8.0)
        layers.append(QgsRasterLayer(path, name))
        assert layers[-1].isValid()
    QgsProject.instance().addMapLayers(layers)
    return layers


def wait_until(condition, timeout_s=20.0):
    """Run the event loop until ``condition`` holds."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"not within {timeout_s:g} s"
        QCoreApplication.processEvents()
        time.sleep(0.01)


@pytest.fixture
def dock(plugin, pair, tmp_path):
    """The panel with both layers and an output, over a map of their ground."""
    dock = plugin.dock
    dock.form.before.setLayer(pair[0])
    dock.form.after.setLayer(pair[1])
    dock.form.output.setFilePath(str(tmp_path / "out.gpkg"))
    canvas = plugin.iface.mapCanvas()
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
    canvas.setExtent(QgsRectangle(0, 0, 512, 512))
    dock.show()
    return dock


@pytest.fixture(scope="session")
def drawn_sample(tmp_path_factory):
    """Folder of the drawn sample, 20 tiles."""
    folder = tmp_path_factory.mktemp("sample")
    code = f"from pathlib import Path; from engine.demo import write_sample; write_sample(Path({str(folder)!r}))"
    subprocess.run([REAL_PYTHON, "-c", code], cwd=ROOT, check=True)
    return folder


@pytest.fixture
def real_dock(plugin, engine, drawn_sample, monkeypatch, tmp_path):
    """The panel with the drawn sample and an output; its engine is the real one."""
    client = engine()
    monkeypatch.setenv("CHANGESCRIBE_PYTHON", REAL_PYTHON)
    client.shutdown()
    layers = [QgsRasterLayer(str(drawn_sample / f"{name}.tif"), name) for name in ("before", "after")]
    QgsProject.instance().addMapLayers(layers)
    plugin.dock.form.before.setLayer(layers[0])
    plugin.dock.form.after.setLayer(layers[1])
    plugin.dock.form.output.setFilePath(str(tmp_path / "out.gpkg"))
    return plugin.dock
