"""The steps of desktop_run.py, inside the QGIS that it starts."""

import json
import os
import subprocess
import time
import traceback
from pathlib import Path

from desktop_pictures import HelpPictures
from freeze import Watch
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer
from qgis.gui import QgsGui
from qgis.PyQt.QtCore import QCoreApplication, QTimer
from qgis.PyQt.QtWidgets import QDockWidget
from qgis.utils import iface, plugins, unloadPlugin

SIZE = (1440, 900)


def begin():
    """Called while QGIS starts; works once its event loop runs."""
    QTimer.singleShot(3000, lambda: Desktop(**json.loads(os.environ["CHANGESCRIBE_DESKTOP"])).run())


class Desktop:
    """The script's steps inside QGIS."""

    def __init__(self, work, folder, help_folder):
        self.work, self.folder, self.iface, self.plugin = Path(work), Path(folder), iface, plugins["changescribe"]
        self.dock = self.plugin.dock
        self.help = HelpPictures(self, help_folder)
        self.report = {"ok": False, "engine_at_start": self.engine_runs()}

    @staticmethod
    def engine_runs():
        from changescribe.qgis_plugin.client.worker_client import EngineClient

        return EngineClient.instance().running

    def pause(self, seconds, until=lambda: False):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            QCoreApplication.processEvents()
            time.sleep(0.02)
        return until()

    def shoot(self, name):
        self.pause(1.5)
        subprocess.run(["import", "-window", "root", str(self.folder / f"{name}.png")], check=True)

    @staticmethod
    def shortcuts():
        """Keys of next and previous tile in QGIS's Keyboard Shortcuts, and how many of its actions have them."""
        actions = QgsGui.shortcutsManager().listActions()
        ours = {action.objectName(): action.shortcut() for action in actions if action.objectName() in ("changescribeNext", "changescribePrevious")}
        return {name: (keys.toString(), sum(action.shortcut() == keys for action in actions)) for name, keys in ours.items()}

    def steps(self):
        from changescribe.qgis_plugin.gui.results.compare import tile_geometry

        window, canvas = self.iface.mainWindow(), self.iface.mapCanvas()
        window.setGeometry(0, 0, *SIZE)
        self.dock.setFloating(False)
        browser = window.findChild(QDockWidget, "Browser")
        if browser is not None:
            browser.hide()
        layers = [QgsRasterLayer(str(self.work / f"{name}.tif"), name) for name in ("after", "before")]
        QgsProject.instance().addMapLayers(layers)
        QgsProject.instance().setCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
        canvas.setExtent(layers[0].extent())
        self.plugin.actions[0].trigger()
        self.dock.form.before.setLayer(layers[1])
        self.dock.form.after.setLayer(layers[0])
        self.dock.form.output.setFilePath(str(self.work / "changes.gpkg"))
        self.dock.form.preview.setCollapsed(False)
        preview = self.dock.form.preview
        assert self.pause(100, lambda: preview.message.text().startswith("Tile")), preview.message.text()
        self.shoot("panel_form")
        self.help.take(self.dock, "form")
        self.help.setup()
        self.help.settings()
        with Watch() as watch:
            self.dock.start()
            assert self.pause(200, lambda: self.dock.run is None), "the run did not end"
        self.report["stood_still"] = watch.report(1)
        self.report["message"] = self.dock.message.text().replace(str(self.work), "")
        self.dock.results.step(1)
        whole = layers[0].extent()
        whole.scale(1.05)
        canvas.setExtent(whole)
        canvas.refresh()
        self.shoot("panel")
        self.help.take(self.dock, "results")
        self.help.take(self.dock.review, "review")
        self.help.toolbox()
        self.help.report()
        canvas.setMapTool(self.plugin.tool)
        changed = [tile for tile in self.dock.results.model.tiles if tile["properties"]["changed"]]
        tile = min(changed, key=lambda tile: tile_geometry(tile).centroid().asPoint().sqrDist(whole.center()))
        self.plugin.tool.ask(tile_geometry(tile).centroid().asPoint())
        assert self.pause(100, lambda: self.plugin.tool.task is None), "the click was not answered"
        self.report["bubble"] = self.plugin.tool.bubble.text.text()
        self.shoot("bubble")
        self.help.take(canvas, "click", "jpg")
        self.report["shortcuts"] = self.shortcuts()
        assert [count for _, count in self.shortcuts().values()] == [1, 1], self.report["shortcuts"]
        assert unloadPlugin("changescribe")
        assert self.shortcuts() == {}
        self.report["engine_after_unload"] = self.engine_runs()
        self.report["ok"] = not self.report["engine_at_start"] and not self.report["engine_after_unload"]

    def run(self):
        try:
            self.steps()
        except Exception:
            self.report["error"] = traceback.format_exc()
        (self.work / "report.json").write_text(json.dumps(self.report, indent=1, ensure_ascii=False))
        os._exit(0)  # a changed project would ask whether to save it
