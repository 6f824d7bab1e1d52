"""An online layer in the panel: said before the run, fetched in the background, given to the engine as a file."""

import time

import pytest
from gui_window import wait_until
from osgeo import gdal
from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QTimer

from helpers import sent


@pytest.fixture
def dock(plugin, pair, server, tmp_path):
    """The panel with a file before and an online layer after."""
    online = QgsRasterLayer(f"type=xyz&url={server[0]}/slow/%7Bz%7D/%7Bx%7D/%7By%7D.png&zmax=17&zmin=0", "online", "wms")
    QgsProject.instance().addMapLayer(online)
    dock = plugin.dock
    dock.form.before.setLayer(pair[0])
    dock.form.after.setLayer(online)
    dock.form.output.setFilePath(str(tmp_path / "out.gpkg"))
    dock.show()
    return dock


def test_the_estimate_says_what_is_fetched(dock):
    dock.update_estimate()
    assert "online is not a file: 64 × 64 pixels are written to a GeoTIFF, tiles of about zoom 14." in dock.form.estimate.text()


def test_it_is_fetched_while_the_desktop_goes_on(dock, engine, tmp_path):
    engine()
    said, ticks = [], []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start(10)
    dock.start()
    assert dock.run is not None, dock.message.text()
    dock.run.fetching.connect(said.append)
    wait_until(lambda: dock.run is None)
    timer.stop()
    assert said == ["online"]
    assert sum(tick - earlier for earlier, tick in zip(ticks, ticks[1:]) if tick - earlier < 0.2) > 0.2, (
        "the desktop stood still while the server was slow"
    )
    request = sent(tmp_path / "fake_worker.jsonl")[-1]
    assert request["after"] == str(tmp_path / "out_inputs" / "after.tif")
    assert gdal.Open(request["after"]).RasterXSize == 64
    assert "Done: 4 of 16 tiles changed" in dock.message.text()


def test_an_empty_picture_is_said_and_nothing_is_left(dock, engine, server, tmp_path):
    engine()
    locked = QgsRasterLayer(f"type=xyz&url={server[0]}/locked/%7Bz%7D/%7Bx%7D/%7By%7D.png&zmax=17&zmin=0", "locked", "wms")
    QgsProject.instance().addMapLayer(locked)
    dock.form.after.setLayer(locked)
    dock.start()
    wait_until(lambda: dock.run is None)
    assert "locked returned an empty image of this area" in dock.message.text()
    assert list((tmp_path / "out_inputs").iterdir()) == []
