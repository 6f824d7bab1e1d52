"""The help's pictures, taken of widgets inside the QGIS of desktop_run.py; small, because they are shipped with the plugin."""

import os
from contextlib import contextmanager
from pathlib import Path

import processing
from qgis.core import QgsProject
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QImage

WIDTH_PX = 640
# Qt's quality: of a PNG, the lower the more it is compressed. JPEG is for what is mostly aerial picture.
QUALITY = {"png": 0, "jpg": 85}


@contextmanager
def elsewhere():
    """A computer without an engine, whose user's folder is the one that the pictures show; nothing is written there."""
    kept = {name: os.environ.pop(name, None) for name in ("CHANGESCRIBE_PYTHON", "XDG_DATA_HOME")}
    os.environ["XDG_DATA_HOME"] = "/home/ann/.local/share"
    try:
        yield
    finally:
        del os.environ["XDG_DATA_HOME"]
        os.environ.update({name: value for name, value in kept.items() if value is not None})


class HelpPictures:
    """Takes pictures of a desktop_steps.Desktop into a folder."""

    def __init__(self, desktop, folder):
        self.desktop, self.folder = desktop, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def take(self, widget, name, kind="png"):
        self.desktop.pause(1.5)
        self.save(widget.grab().toImage(), name, kind)

    def save(self, image, name, kind):
        """No wider than WIDTH_PX."""
        if image.width() > WIDTH_PX:
            image = image.scaledToWidth(WIDTH_PX, Qt.TransformationMode.SmoothTransformation)
        image = image.convertToFormat(QImage.Format.Format_RGB888)  # without transparency
        assert image.save(str(self.folder / f"{name}.{kind}"), kind, QUALITY[kind])

    def setup(self):
        """The bar of a computer without an engine."""
        from changescribe.qgis_plugin.gui.settings.setup_bar import SetupBar

        with elsewhere():
            bar = SetupBar()
            bar.setFixedWidth(WIDTH_PX)
            bar.show()
            assert self.desktop.pause(60, bar.builds.count), bar.label.text()  # it has looked at this computer
            bar.setFixedHeight(bar.layout().totalHeightForWidth(WIDTH_PX))
            self.take(bar, "setup")
            bar.hide()
            bar.deleteLater()

    def settings(self):
        with elsewhere():
            page = self.desktop.plugin.options.createWidget(None)
            page.resize(WIDTH_PX, page.sizeHint().height())
            page.show()
            self.take(page, "settings")
            page.hide()  # the event loop below this one deletes it too late for the pictures to come
            page.deleteLater()

    def toolbox(self):
        rasters = {date.upper(): str(self.desktop.work / f"{date}.tif") for date in ("before", "after")}
        dialog = processing.createAlgorithmDialog("changescribe:captionchanges", rasters)
        dialog.resize(WIDTH_PX, 600)
        dialog.show()
        self.take(dialog, "toolbox")
        dialog.close()

    def report(self):
        """The report's map, as a picture of its own."""
        layer = next(layer for layer in QgsProject.instance().mapLayers().values() if layer.name() == "changes")
        places = {"OUTPUT": str(self.desktop.work / "report.html"), "PNG": str(self.desktop.work / "report.png")}
        processing.run("changescribe:changereport", {"LAYER": layer, **places})
        self.save(QImage(places["PNG"]), "report", "jpg")
