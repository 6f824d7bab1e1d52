"""The steps of first_use.py, inside the QGIS that it starts: find where to click, have xdotool click there, wait, go on.

The steps are a generator that a timer takes forward, because QGIS's dialogs run event loops of their own inside the click that opened them.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import traceback
from pathlib import Path

from qgis.core import QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import QCoreApplication, QMimeData, QPoint, Qt, QTimer, QUrl
from qgis.PyQt.QtGui import QDragEnterEvent, QDropEvent
from qgis.PyQt.QtWidgets import QApplication, QDialogButtonBox, QDockWidget, QListWidget, QMessageBox, QPushButton, QWidget
from qgis.utils import iface, plugins

SIZE = (1440, 900)
TICK_MS = 250
SOON_S = 120.0


def begin():
    """Called while QGIS starts; works once its event loop runs."""
    begin.user = NewUser(**json.loads(os.environ["CHANGESCRIBE_FIRST_USE"]))  # kept: a timer does not keep the object that it calls
    QTimer.singleShot(4000, begin.user.go_on)


class NewUser:
    """Somebody with a zip and two rasters."""

    def __init__(self, work, archive, folder, limit_s):
        self.work, self.archive, self.folder, self.limit_s = Path(work), archive, Path(folder), limit_s
        self.clicks, self.report = [], {"ok": False}
        self.steps = self.way()
        self.until, self.deadline = (lambda: True), 0.0

    def go_on(self):
        """Take the steps as far as they go now; come back later until they are at their end."""
        try:
            if self.until():
                self.until, limit_s = next(self.steps)
                self.deadline = time.monotonic() + limit_s
            elif time.monotonic() > self.deadline:
                raise TimeoutError(f"nothing came of the last of {self.clicks}")
            QTimer.singleShot(TICK_MS, self.go_on)
        except StopIteration:
            self.end()
        except Exception:
            self.report["error"] = traceback.format_exc()
            self.shoot("first_use_error", self.work.parent)
            self.end()

    def end(self):
        self.report.update(clicks=self.clicks, count=len(self.clicks))
        (self.work / "report.json").write_text(json.dumps(self.report, indent=1, ensure_ascii=False))
        os._exit(0)  # a changed project would ask whether to save it

    def click(self, what, widget, point=None):
        """Press the left mouse button once, over a widget's middle or a point of it; ``what`` names it in the report."""
        place = widget.mapToGlobal(point or widget.rect().center())
        self.clicks.append(what)
        subprocess.run(["xdotool", "mousemove", str(place.x()), str(place.y()), "click", "1"], check=True)

    def shoot(self, name, folder=None):
        subprocess.run(["import", "-window", "root", str((folder or self.folder) / f"{name}.png")], check=True)

    def drop_rasters(self):
        """What a file manager sends when both files are dragged onto QGIS: one movement of the mouse, counted as a click."""
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(self.work / f"{name}.tif")) for name in ("before", "after")])
        window, place = iface.mainWindow(), QPoint(600, 450)
        for kind in (QDragEnterEvent, QDropEvent):
            event = kind(place, Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
            QCoreApplication.sendEvent(window, event)
        self.clicks.append("drag the two rasters onto QGIS")

    def way(self):
        """Each step yields what it waits for and for how long at most."""
        window = iface.mainWindow()
        window.setGeometry(0, 0, *SIZE)
        yield window.isVisible, SOON_S
        self.drop_rasters()
        yield (lambda: len(rasters()) == 2), SOON_S
        yield from self.install_the_zip(window)
        dock = plugins["changescribe"].dock
        yield (lambda: "to download" in dock.setup.button.text() and dock.setup.button.isEnabled()), SOON_S
        self.report["said_before"] = dock.setup.label.text()
        for other in window.findChildren(QDockWidget, "Browser"):
            other.hide()  # only for the picture
        yield later(2), SOON_S
        self.shoot("first_use")
        begun = time.monotonic()
        self.click(dock.run_button.text(), dock.run_button)
        yield (lambda: dock.setup.task is not None), SOON_S
        yield (lambda: dock.setup.task is None), self.limit_s
        self.report.update(set_up_s=round(time.monotonic() - begun), set_up=dock.setup.label.text())
        yield (lambda: dock.run is not None), SOON_S
        yield (lambda: dock.run is None), self.limit_s
        self.report.update(all_s=round(time.monotonic() - begun), message=dock.message.text().replace(str(self.work), ""))
        yield later(3), SOON_S
        self.shoot("first_use_captions")
        self.look()

    def install_the_zip(self, window):
        """Through QGIS's plugin manager, whose list of plugins opens with the installed ones."""
        menu, entry = iface.pluginMenu(), iface.actionManagePlugins()
        bar = window.menuBar()
        self.click("Plugins", bar, bar.actionGeometry(menu.menuAction()).center())
        yield menu.isVisible, SOON_S
        self.click("Manage and Install Plugins…", menu, menu.actionGeometry(entry).center())
        yield (lambda: manager() is not None), SOON_S
        yield later(2), SOON_S
        pages = manager().findChild(QListWidget, "mOptionsListWidget")
        row = next(pages.item(index) for index in range(pages.count()) if "ZIP" in pages.item(index).text())
        self.click("Install from ZIP", pages.viewport(), pages.visualItemRect(row).center())
        button = manager().findChild(QPushButton, "buttonInstallFromZip")
        yield button.isVisible, SOON_S
        field = button.parentWidget().findChild(QgsFileWidget).lineEdit()
        self.click("the file's field (its path is typed)", field, QPoint(20, field.height() // 2))
        yield later(1), SOON_S
        subprocess.run(["xdotool", "type", "--delay", "20", self.archive], check=True)
        yield (lambda: field.text() == self.archive and button.isEnabled()), SOON_S
        self.click("Install Plugin", button)
        yield (lambda: question() is not None), SOON_S
        yield later(1), SOON_S
        self.click("Yes (QGIS warns of plugins from files)", question().button(QMessageBox.StandardButton.Yes))
        yield (lambda: "changescribe" in plugins and plugins["changescribe"].dock is not None), SOON_S
        yield later(2), SOON_S
        self.click("Close", manager().findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Close))
        yield (lambda: manager() is None), SOON_S

    def look(self):
        """What is on the map at the end, and what the environment says of itself."""
        from changescribe.qgis_plugin.setup import environment

        layers = [layer for layer in QgsProject.instance().mapLayers().values() if isinstance(layer, QgsVectorLayer)]
        captions = [feature["caption"] for layer in layers for feature in layer.getFeatures() if feature["changed"]]
        self.report.update(environment=environment.report(), captions=len(captions), example=captions[0] if captions else "")
        self.report["ok"] = bool(captions) and all(layer in iface.mapCanvas().layers() for layer in layers)


def rasters():
    return [layer for layer in QgsProject.instance().mapLayers().values() if isinstance(layer, QgsRasterLayer)]


def manager() -> QWidget | None:
    """QGIS's plugin manager while it is open."""
    found = [widget for widget in QApplication.topLevelWidgets() if widget.metaObject().className() == "QgsPluginManager" and widget.isVisible()]
    return found[0] if found else None


def question() -> QMessageBox | None:
    """The message box that QGIS asks with."""
    found = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QMessageBox) and widget.isVisible()]
    return found[0] if found else None


def later(seconds):
    """A condition that holds after so long: for windows to be drawn."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end
