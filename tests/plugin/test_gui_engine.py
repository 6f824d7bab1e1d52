"""The panel with the real engine on the demo's sample; needs CHANGESCRIBE_PYTHON, as .ci/test sets it."""

import os
import signal
import sys

import pytest
from gui_window import needs_engine, wait_until
from qgis.core import QgsVectorLayer

pytestmark = [pytest.mark.slow, needs_engine]


@pytest.fixture
def dock(real_dock):
    real_dock.form.rows.widgets["batch_size"].setValue(1)
    return real_dock


def rows(path):
    layer = QgsVectorLayer(f"{path}|layername=change_captions", "x", "ogr")
    return {feature["tile_id"]: (feature["caption"], feature["change_score"], feature.geometry().asWkt(3)) for feature in layer.getFeatures()}


def run_to_end(dock):
    dock.start()
    assert dock.run is not None, dock.message.text()
    wait_until(lambda: dock.run is None, 180)


def test_interrupted_runs_resume_to_the_same_result(dock, tmp_path):
    from changescribe.qgis_plugin.client.worker_client import EngineClient

    run_to_end(dock)
    assert dock.message.text().startswith("Done: ")
    whole = rows(tmp_path / "out.gpkg")
    assert len(whole) == len(dock.results.model.tiles) == 20
    dock.form.output.setFilePath(str(tmp_path / "again.gpkg"))
    dock.start()
    wait_until(lambda: len(dock.results.model.tiles) > 0, 60)
    dock.cancel()
    wait_until(lambda: dock.run is None, 20)
    kept = len(rows(tmp_path / "again.gpkg"))
    assert 0 < kept < 20
    assert dock.run_button.text() == "Resume"
    dock.start()
    wait_until(lambda: len(dock.results.model.tiles) > 0, 60)
    os.kill(EngineClient.instance().ready["pid"], signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    wait_until(lambda: dock.run is None, 20)
    assert "stopped unexpectedly" in dock.message.text()
    assert dock.run_button.text() == "Resume"
    run_to_end(dock)
    assert dock.message.text().startswith("Done: "), dock.message.text()
    assert rows(tmp_path / "again.gpkg") == whole
    assert len(dock.results.model.tiles) == 20


def test_a_click_says_what_the_run_says(dock, plugin, tmp_path):
    from changescribe.qgis_plugin.gui.results.compare import tile_geometry

    run_to_end(dock)
    tile = next(tile for tile in dock.results.model.tiles if tile["properties"]["changed"])
    canvas = plugin.iface.mapCanvas()
    canvas.setDestinationCrs(dock.form.layers()[0].crs())
    canvas.setMapTool(plugin.tool)
    plugin.tool.ask(tile_geometry(tile).centroid().asPoint())
    wait_until(lambda: plugin.tool.task is None, 60)
    assert plugin.tool.bubble.text.text() == tile["properties"]["caption"]
