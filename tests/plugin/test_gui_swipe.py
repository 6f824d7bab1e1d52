"""Both dates on the map: swipe and flicker."""

import pytest
from gui_window import wait_until
from qgis.core import QgsProject, QgsRectangle
from qgis.gui import QgsMapToolPan
from qgis.PyQt.QtCore import QEvent, QPointF, Qt
from qgis.PyQt.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter


@pytest.fixture
def black_and_white(dock, plugin, tmp_path):
    """A black before and a white after layer in the panel and on the canvas, which is on the screen."""
    import numpy as np
    from osgeo import gdal
    from qgis.core import QgsRasterLayer

    from helpers import write_raster

    layers = []
    for name, value in (("black", 0), ("white", 255)):
        path = write_raster(tmp_path / f"{name}.tif", size=64, origin=(0.0, 512.0), pixel=8.0)
        dataset = gdal.Open(path, gdal.GA_Update)
        for band in (1, 2, 3):
            dataset.GetRasterBand(band).WriteArray(np.full((64, 64), value, np.uint8))
        dataset.FlushCache()
        layers.append(QgsRasterLayer(path, name))
    QgsProject.instance().addMapLayers(layers)
    dock.form.before.setLayer(layers[0])
    dock.form.after.setLayer(layers[1])
    canvas = plugin.iface.mapCanvas()
    canvas.resize(400, 400)
    canvas.setLayers(layers[1:])
    plugin.iface.mainWindow().show()  # a canvas that was never shown has not heard of its size
    canvas.setExtent(QgsRectangle(100, 100, 400, 400))
    yield layers
    plugin.iface.mainWindow().hide()


def colours(swipe, y=300):
    """What the swipe paints at a quarter and at three quarters of the width, over a red map."""
    size = swipe.canvas().mapSettings().outputSize()
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    painter = QPainter(image)
    swipe.item.paint(painter)
    painter.end()
    return [image.pixelColor(round(share * size.width()), y).name() for share in (0.25, 0.75)]


def mouse(tool, kind, x, button=Qt.MouseButton.LeftButton):
    from qgis.gui import QgsMapMouseEvent

    event = QMouseEvent(kind, QPointF(x, 50), button, button, Qt.KeyboardModifier.NoModifier)
    handler = tool.canvasPressEvent if kind == QEvent.Type.MouseButtonPress else tool.canvasMoveEvent
    handler(QgsMapMouseEvent(tool.canvas(), event))


def test_the_swipe_shows_before_left_and_after_right_of_the_line(dock, plugin, black_and_white):
    canvas = plugin.iface.mapCanvas()
    pan = QgsMapToolPan(canvas)
    canvas.setMapTool(pan)
    dock.compare.swipe.setChecked(True)
    swipe = dock.two_dates.swipe
    assert canvas.mapTool() is swipe
    assert canvas.layers()[-1] is black_and_white[1]
    wait_until(lambda: not swipe.item._image.isNull())
    assert colours(swipe) == ["#000000", "#ff0000"]
    width = canvas.mapSettings().outputSize().width()
    mouse(swipe, QEvent.Type.MouseButtonPress, 0.9 * width)
    assert colours(swipe) == ["#000000", "#000000"]
    mouse(swipe, QEvent.Type.MouseMove, 0.1 * width)
    assert colours(swipe) == ["#ff0000", "#ff0000"]
    mouse(swipe, QEvent.Type.MouseMove, 0.6 * width, Qt.MouseButton.NoButton)  # no button is pressed
    assert colours(swipe) == ["#ff0000", "#ff0000"]
    swipe.keyPressEvent(QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier))
    assert not swipe.active
    assert not dock.compare.swipe.isChecked()
    assert canvas.mapTool() is pan
    plugin.iface.layerTreeCanvasBridge().setCanvasLayers.assert_called()


def test_the_swipe_follows_the_map(dock, plugin, black_and_white):
    canvas = plugin.iface.mapCanvas()
    dock.compare.swipe.setChecked(True)
    swipe = dock.two_dates.swipe
    wait_until(lambda: not swipe.item._image.isNull())
    first = swipe.item._image
    canvas.setExtent(QgsRectangle(-2250, 100, -1750, 600))  # the layer begins at x = 0, beyond the right edge whatever the canvas's shape
    assert swipe.item._place() != swipe.item.boundingRect()  # the old picture, at its place on the new map
    canvas.refresh()
    wait_until(lambda: swipe.item._image is not first and swipe.item._place() == swipe.item.boundingRect())
    swipe.item.set_share(1.0)
    assert colours(swipe) == ["#ffffff", "#ffffff"]


def test_another_tool_ends_the_swipe_and_stays(dock, plugin, black_and_white):
    canvas = plugin.iface.mapCanvas()
    canvas.setMapTool(QgsMapToolPan(canvas))
    dock.compare.swipe.setChecked(True)
    other = QgsMapToolPan(canvas)
    canvas.setMapTool(other)
    assert canvas.mapTool() is other
    assert not dock.two_dates.swipe.active
    assert not dock.compare.swipe.isChecked()


def test_swipe_and_flicker_take_turns_and_end_with_a_layer(dock, black_and_white):
    dock.compare.flicker.setChecked(True)
    dock.compare.swipe.setChecked(True)
    assert not dock.two_dates.flicker.active
    assert not dock.compare.flicker.isChecked()
    dock.compare.flicker.setChecked(True)
    assert not dock.two_dates.swipe.active
    dock.compare.swipe.setChecked(True)
    QgsProject.instance().removeMapLayer(black_and_white[0].id())
    assert not dock.two_dates.swipe.active


def test_without_both_layers_there_is_no_swipe(plugin):
    plugin.dock.compare.swipe.setChecked(True)
    assert not plugin.dock.compare.swipe.isChecked()
    assert not plugin.dock.two_dates.swipe.active
