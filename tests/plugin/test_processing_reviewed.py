"""changereport and exportreviewed: with the fake worker, and with the real engine where CHANGESCRIBE_PYTHON names its Python."""

import json
import os
from pathlib import Path

import pytest
from conftest import FAKE_WORKER
from qgis.core import QgsProcessingException, QgsProject, QgsVectorLayer

from helpers import run

REPORT, EXPORT = "changescribe:changereport", "changescribe:exportreviewed"
ENGINE_PYTHON = os.environ.get("CHANGESCRIBE_PYTHON", "")


@pytest.fixture
def layer(provider, engine, rasters, tmp_path, qgis_new_project):
    """What captionchanges writes, in the project."""
    engine()
    path = str(tmp_path / "changes.gpkg")
    run({"BEFORE": rasters["before"], "AFTER": rasters["after"], "OUTPUT": path})
    made = QgsVectorLayer(path, "changes of <May>", "ogr")
    assert QgsProject.instance().addMapLayer(made) is not None
    return made


def asked(tmp_path, kind):
    messages = map(json.loads, (tmp_path / "fake_worker.jsonl").read_text().splitlines())
    return [message for message in messages if message["type"] == kind][-1]


def test_the_engine_gets_paths_and_the_layers_name(layer, rasters, tmp_path):
    output = str(tmp_path / "report.html")
    results, _ = run({"LAYER": layer.id(), "BEFORE": rasters["before"], "OUTPUT": output, "TOP": 5}, name=REPORT)
    report = asked(tmp_path, "report")["report"]
    assert Path(report["layer"].split("|")[0]) == tmp_path / "changes.gpkg"
    assert report | {"layer": ""} == {
        "layer": "", "output": output, "png": None, "top": 5, "title": "changes of <May>", "before": rasters["before"], "after": None
    }  # fmt: skip
    assert results["SUMMARY"] == "16 tiles were compared." and results["HTML"] == output and results["CHANGED"] == 4


def test_a_temporary_layer_is_handed_over_as_a_file(provider, engine, rasters, tmp_path):
    engine()
    results, context = run({"BEFORE": rasters["before"], "AFTER": rasters["after"], "OUTPUT": "memory:"})
    layer = context.getMapLayer(results["OUTPUT"])
    QgsProject.instance().addMapLayer(layer.clone())
    clone = list(QgsProject.instance().mapLayers().values())[-1]
    run({"LAYER": clone.id(), "OUTPUT": str(tmp_path / "report.html")}, name=REPORT)
    copy = QgsVectorLayer(asked(tmp_path, "report")["report"]["layer"], "copy", "ogr")
    assert copy.isValid() and copy.featureCount() == 16


def test_unsaved_edits_and_other_layers_are_refused(layer, tmp_path):
    output = str(tmp_path / "report.html")
    layer.startEditing()
    layer.changeAttributeValue(1, layer.fields().indexOf("review"), "right")
    with pytest.raises(QgsProcessingException, match="edits that are not saved"):
        run({"LAYER": layer.id(), "OUTPUT": output}, name=REPORT)
    layer.rollBack()
    other = QgsVectorLayer("Polygon?field=name:string", "roads", "memory")
    QgsProject.instance().addMapLayer(other)
    with pytest.raises(QgsProcessingException, match="the layer roads has no column tile_id"):
        run({"LAYER": other.id(), "OUTPUT": output}, name=REPORT)


@pytest.mark.skipif(not ENGINE_PYTHON, reason="needs the engine: name its Python in CHANGESCRIBE_PYTHON")
def test_the_real_engine_reads_what_qgis_wrote(layer, rasters, tmp_path, monkeypatch):
    """The layer that Processing wrote, with its provenance and with edits made in QGIS."""
    from changescribe.qgis_plugin.client.worker_client import EngineClient

    assert FAKE_WORKER.name not in ENGINE_PYTHON
    layer.startEditing()
    for feature in layer.getFeatures():
        if feature["status"] == "captioned":
            layer.changeAttributeValue(feature.id(), layer.fields().indexOf("edited_caption"), "a <b>shed</b> is built")
        elif feature["row"] == 1:
            layer.changeAttributeValue(feature.id(), layer.fields().indexOf("review"), "right")
    assert layer.commitChanges()
    monkeypatch.setenv("CHANGESCRIBE_PYTHON", ENGINE_PYTHON)
    EngineClient.instance().shutdown()
    # The fake worker's tiles lie elsewhere than the rasters of this test: the report is made without pictures, and says so.
    output = tmp_path / "report.html"
    results, _ = run({"LAYER": layer.id(), "OUTPUT": str(output), "PNG": str(tmp_path / "map.png")}, name=REPORT)
    page = output.read_text("utf-8")
    assert "a &lt;b&gt;shed&lt;/b&gt; is built" in page and "before.tif" in page and "has no data where" in page
    assert results["CHANGED"] == 4 and results["TILES"] == 16 and (tmp_path / "map.png").is_file()
    with pytest.raises(QgsProcessingException, match="has no data where the layer's tiles lie"):
        run({"LAYER": layer.id(), "OUTPUT": str(tmp_path / "reviewed")}, name=EXPORT)
