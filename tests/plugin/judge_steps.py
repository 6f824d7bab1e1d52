"""The steps of judge_run.py, inside the QGIS that it starts: every key is pressed by xdotool, as a person's keyboard does it."""

import json
import os
import subprocess
import time
import traceback
from pathlib import Path

from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import QCoreApplication, QTimer
from qgis.PyQt.QtGui import QCursor
from qgis.PyQt.QtWidgets import QDockWidget
from qgis.utils import iface, plugins

SIZE = (1440, 900)
KEYS = {True: "c", False: "u"}


def begin():
    """Called while QGIS starts; works once its event loop runs."""
    QTimer.singleShot(3000, lambda: Judge(**json.loads(Path(os.environ["CHANGESCRIBE_JUDGE"]).read_text())).run())


class Judge:
    """Somebody who knows what is true, and looks at nothing but the page."""

    def __init__(self, work, folder, truth, until):
        self.work, self.folder, self.truth, self.until = Path(work), Path(folder), truth, until
        self.page = plugins["changescribe"].dock.judging
        self.report = {"ok": False}

    def pause(self, seconds, until=lambda: False):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            QCoreApplication.processEvents()
            time.sleep(0.005)
        return until()

    def key(self, *names):
        subprocess.run(["xdotool", "key", *names], check=True)

    def judged(self):
        return self.page.sample.judged("")

    def type_path(self):
        """From QGIS's main window to the first open tile, by keyboard."""
        self.key("ctrl+alt+j")
        assert self.pause(30, lambda: self.page.isVisible() and self.page.source.file.lineEdit().hasFocus()), "the shortcut did not open the page"
        subprocess.run(["xdotool", "type", "--delay", "10", str(self.work / "sample.gpkg")], check=True)
        self.pause(1)
        self.key("Return")
        assert self.pause(30, lambda: self.page.sample is not None), self.page.message.text()

    def press_until_judged(self):
        """One tile: its key, and the page goes on."""
        before, page = self.judged(), self.page
        self.key(KEYS[self.truth[page.sample.rows[page.place]["tile_id"]]])
        assert self.pause(20, lambda: self.judged() == before + 1), page.message.text()

    def steps(self):
        window = iface.mainWindow()
        window.setGeometry(0, 0, *SIZE)
        for other in window.findChildren(QDockWidget, "Browser"):
            other.hide()
        captions = QgsVectorLayer(str(self.work / "changes.gpkg"), "changes", "ogr")
        QgsProject.instance().addMapLayers([*(QgsRasterLayer(str(self.work / f"{name}.tif"), name) for name in ("after", "before")), captions])
        QgsProject.instance().setCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
        window.activateWindow()
        self.pause(2)
        mouse = QCursor.pos()
        self.type_path()
        begun = self.judged()
        self.report["began_at"] = begun
        assert self.page.place == begun, "it does not go on at the first open tile"
        started = time.monotonic()
        while self.judged() < self.until:
            self.press_until_judged()
            if self.judged() == begun + 10:
                self.other_keys(captions)
        self.report["seconds"] = round(time.monotonic() - started, 1)
        assert QCursor.pos() == mouse, "the mouse has moved"
        self.report.update(ok=True, judged=self.judged(), said=self.page.message.text(), progress=self.page.progress.text())

    def other_keys(self, captions):
        """Take back, look back, undo, swipe; no caption is on the map."""
        page, place = self.page, self.page.place
        self.key("BackSpace")
        assert self.pause(20, lambda: page.place == place - 1 and page.sample.rows[place - 1]["verdict"] is None), "undo did nothing"
        self.press_until_judged()
        self.key("Left")
        assert self.pause(20, lambda: page.place == place - 1)
        self.key("Right")
        assert self.pause(20, lambda: page.place == place)
        self.key("s")
        assert self.pause(20, lambda: page.two_dates.swipe.active), "no swipe"
        assert captions not in iface.mapCanvas().layers(), "captions on the map"
        self.pause(3)
        subprocess.run(["import", "-window", "root", str(self.folder / "judging.png")], check=True)
        self.key("s")
        assert self.pause(20, lambda: not page.two_dates.swipe.active)

    def run(self):
        try:
            self.steps()
        except Exception:
            self.report["error"] = traceback.format_exc()
        (self.work / "report.json").write_text(json.dumps(self.report, indent=1, ensure_ascii=False))
        os._exit(1)  # as a crash ends QGIS: nothing is saved or closed
