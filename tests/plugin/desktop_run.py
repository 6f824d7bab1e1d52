"""A real QGIS desktop under Xvfb: fresh profile, the staged plugin, a run of the panel and a click; takes the README's pictures.

Run as ``python tests/plugin/desktop_run.py ENGINE_PYTHON [FOLDER]`` (default docs/img) after ``make link``. Needs qgis, Xvfb and ImageMagick's
``import``. The same file is the script that QGIS runs (``--code``), told apart by CHANGESCRIBE_DESKTOP.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZE = (1440, 900)
LIMIT_S = 400
INI = "[PythonPlugins]\nchangescribe=true\n[qgis]\ncheckVersion=false\nshowTips=false\n[app]\nprojections\\\\unknownCrsBehavior=NoAction\n"


def main(engine_python, folder):
    """Start Xvfb and QGIS; exit code 0 when the script inside has come to its end."""
    work = Path(tempfile.mkdtemp(prefix="changescribe-desktop-"))
    subprocess.run([engine_python, "-c", f"from pathlib import Path; from engine.demo import write_sample; write_sample(Path({str(work)!r}))"], cwd=ROOT, check=True)
    profile = work / "profiles" / "profiles" / "default"
    (profile / "QGIS").mkdir(parents=True)
    (profile / "QGIS" / "QGIS3.ini").write_text(INI)
    (profile / "python" / "plugins").mkdir(parents=True)
    (profile / "python" / "plugins" / "changescribe").symlink_to(ROOT / "build" / "changescribe")
    display = f":{90 + os.getpid() % 100}"
    server = subprocess.Popen(["Xvfb", display, "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24"], stderr=subprocess.DEVNULL)
    told = {"work": str(work), "folder": str(folder.resolve())}
    environment = {**os.environ, "DISPLAY": display, "CHANGESCRIBE_PYTHON": engine_python, "CHANGESCRIBE_DESKTOP": json.dumps(told)}
    environment.pop("QT_QPA_PLATFORM", None)
    try:
        time.sleep(1)
        qgis = shutil.which("qgis.bin") or "qgis"
        command = [qgis, "--nologo", "--noversioncheck", "--profiles-path", str(work / "profiles"), "--code", __file__]
        subprocess.run(command, env=environment, timeout=LIMIT_S, check=False)
        report = work / "report.json"
        print(report.read_text() if report.exists() else "QGIS ended before the script did")
        return 0 if report.exists() and json.loads(report.read_text())["ok"] else 1
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(work, ignore_errors=True)


class Desktop:
    """The script's steps inside QGIS."""

    def __init__(self, work, folder):
        from qgis.utils import iface, plugins

        self.work, self.folder, self.iface, self.plugin = Path(work), Path(folder), iface, plugins["changescribe"]
        self.dock = self.plugin.dock
        self.report = {"ok": False, "engine_at_start": self.engine_runs()}

    @staticmethod
    def engine_runs():
        from changescribe.qgis_plugin.client.worker_client import EngineClient

        return EngineClient.instance().running

    def pause(self, seconds, until=lambda: False):
        from qgis.PyQt.QtCore import QCoreApplication

        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            QCoreApplication.processEvents()
            time.sleep(0.02)
        return until()

    def shoot(self, name):
        self.pause(1.5)
        subprocess.run(["import", "-window", "root", str(self.folder / f"{name}.png")], check=True)

    def steps(self):
        from qgis.core import QgsCoordinateReferenceSystem, QgsPointXY, QgsProject, QgsRasterLayer
        from qgis.PyQt.QtWidgets import QDockWidget

        window, canvas = self.iface.mainWindow(), self.iface.mapCanvas()
        window.setGeometry(0, 0, *SIZE)
        self.dock.setFloating(False)
        browser = window.findChild(QDockWidget, "Browser")
        if browser is not None:
            browser.hide()
        layers = [QgsRasterLayer(str(self.work / f"{name}.tif"), name) for name in ("before", "after")]
        QgsProject.instance().addMapLayers(layers)
        QgsProject.instance().setCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
        canvas.setExtent(layers[0].extent())
        self.plugin.actions[0].trigger()
        self.dock.form.before.setLayer(layers[0])
        self.dock.form.after.setLayer(layers[1])
        self.dock.form.output.setFilePath(str(self.work / "changes.gpkg"))
        self.shoot("panel_form")
        self.dock.start()
        assert self.pause(200, lambda: self.dock.run is None), "the run did not end"
        self.report["message"] = self.dock.message.text().replace(str(self.work), "")
        self.dock.results.step(1)
        self.shoot("panel")
        canvas.setExtent(layers[0].extent())
        self.shoot("map")
        canvas.setMapTool(self.plugin.tool)
        tile = self.dock.results.table.currentIndex().data(256)
        (x0, y0), (x1, y1) = tile["footprint"][0], tile["footprint"][2]
        self.plugin.tool.ask(QgsPointXY((x0 + x1) / 2, (y0 + y1) / 2))
        assert self.pause(100, lambda: self.plugin.tool.task is None), "the click was not answered"
        self.report["bubble"] = self.plugin.tool.bubble.text.text()
        self.shoot("bubble")
        from qgis.utils import unloadPlugin

        assert unloadPlugin("changescribe")
        self.report["engine_after_unload"] = self.engine_runs()
        self.report["ok"] = not self.report["engine_at_start"] and not self.report["engine_after_unload"]

    def run(self):
        import traceback

        try:
            self.steps()
        except Exception:
            self.report["error"] = traceback.format_exc()
        (self.work / "report.json").write_text(json.dumps(self.report, indent=1, ensure_ascii=False))
        os._exit(0)  # a changed project would ask whether to save it


if "CHANGESCRIBE_DESKTOP" in os.environ:
    from qgis.PyQt.QtCore import QTimer

    QTimer.singleShot(3000, lambda: Desktop(**json.loads(os.environ["CHANGESCRIBE_DESKTOP"])).run())
elif __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "docs" / "img")))
