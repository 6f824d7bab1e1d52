"""The panel with the real engine on the demo's sample; needs CHANGESCRIBE_PYTHON, as .ci/test sets it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from gui_window import wait_until
from qgis.core import QgsProject, QgsRasterLayer, QgsVectorLayer

ROOT = Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("CHANGESCRIBE_PYTHON", "")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path(PYTHON).is_file(), reason="CHANGESCRIBE_PYTHON names no Python with the engine")]


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    code = f"from pathlib import Path; from engine.demo import write_sample; write_sample(Path({str(folder)!r}))"
    subprocess.run([PYTHON, "-c", code], cwd=ROOT, check=True)
    return folder


@pytest.fixture
def dock(plugin, engine, sample, monkeypatch, tmp_path):
    client = engine()
    monkeypatch.setenv("CHANGESCRIBE_PYTHON", PYTHON)
    client.shutdown()
    layers = [QgsRasterLayer(str(sample / f"{name}.tif"), name) for name in ("before", "after")]
    QgsProject.instance().addMapLayers(layers)
    plugin.dock.form.before.setLayer(layers[0])
    plugin.dock.form.after.setLayer(layers[1])
    plugin.dock.form.batch.setValue(1)
    plugin.dock.form.output.setFilePath(str(tmp_path / "out.gpkg"))
    return plugin.dock


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
    from changescribe.qgis_plugin.gui.compare import tile_geometry

    run_to_end(dock)
    tile = next(tile for tile in dock.results.model.tiles if tile["properties"]["changed"])
    canvas = plugin.iface.mapCanvas()
    canvas.setDestinationCrs(dock.form.layers()[0].crs())
    canvas.setMapTool(plugin.tool)
    plugin.tool.ask(tile_geometry(tile).centroid().asPoint())
    wait_until(lambda: plugin.tool.task is None, 60)
    assert plugin.tool.bubble.text.text() == tile["properties"]["caption"]
