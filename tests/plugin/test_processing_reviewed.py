"""changereport and exportreviewed: with the fake worker, and with the real engine where CHANGESCRIBE_PYTHON names its Python."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import FAKE_WORKER, ROOT
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
        "layer": "", "output": output, "png": None, "top": 5, "title": "changes of <May>", "before": rasters["before"], "after": None,
        "accuracy": None,
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


@pytest.mark.slow
@pytest.mark.skipif(not Path(ENGINE_PYTHON).is_file(), reason="needs the engine: name its Python in CHANGESCRIBE_PYTHON")
def test_captioned_reviewed_and_exported_with_the_real_engine(provider, engine, qgis_processing, tmp_path, monkeypatch, qgis_new_project):
    """As a person does it: caption, correct in QGIS, export; each by ``processing.run``."""
    import processing

    client = engine()
    monkeypatch.setenv("CHANGESCRIBE_PYTHON", ENGINE_PYTHON)
    client.shutdown()
    code = f"from pathlib import Path; from engine.demo import write_sample; write_sample(Path({str(tmp_path)!r}))"
    subprocess.run([ENGINE_PYTHON, "-c", code], cwd=ROOT, check=True)
    path = str(tmp_path / "changes.gpkg")
    rasters = {"BEFORE": str(tmp_path / "before.tif"), "AFTER": str(tmp_path / "after.tif")}
    captioned = processing.run("changescribe:captionchanges", {**rasters, "OUTPUT": path, "BATCH_SIZE": 1})
    assert captioned["TILES"] == 20 and captioned["CHANGED"] > 2
    layer = QgsVectorLayer(path, "changes", "ogr")
    changed = [feature for feature in layer.getFeatures() if feature["changed"]]
    assert layer.startEditing()
    for feature in changed:
        layer.changeAttributeValue(feature.id(), layer.fields().indexOf("review"), "right")
    layer.changeAttributeValue(changed[0].id(), layer.fields().indexOf("edited_caption"), "a depot is built")
    assert layer.commitChanges()
    found = processing.run(EXPORT, {"LAYER": layer, "OUTPUT": str(tmp_path / "reviewed")})
    assert found["CHANGED"] == len(changed) and min(found["TRAIN"], found["HELD_OUT"]) > 0
    described = json.loads((tmp_path / "reviewed" / "LevirCCcaptions.json").read_text("utf-8"))["images"]
    assert sum(image["reviewed"] for image in described) == len(changed)
    assert found["TRAIN"] + found["HELD_OUT"] == len(described)
    assert "a depot is built" in {sentence["raw"].strip(" .") for image in described for sentence in image["sentences"]}
    for image in described:
        folder = tmp_path / "reviewed" / "images" / image["split"]
        assert [(folder / date / image["filename"]).is_file() for date in ("A", "B")] == [True, True]
