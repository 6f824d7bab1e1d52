"""drawsample and accuracy, and a report with a sample: with the fake worker, and from layer to estimates with the real engine."""

import json
import os

import pytest
from gui_window import needs_engine
from judged_samples import write_sample
from qgis.core import QgsProcessingException, QgsProject, QgsVectorLayer

from helpers import run

DRAW, ACCURACY, REPORT = "changescribe:drawsample", "changescribe:accuracy", "changescribe:changereport"
ENGINE_PYTHON = os.environ.get("CHANGESCRIBE_PYTHON", "")


@pytest.fixture
def layer(provider, engine, rasters, tmp_path, qgis_new_project):
    engine()
    path = str(tmp_path / "changes.gpkg")
    run({"BEFORE": rasters["before"], "AFTER": rasters["after"], "OUTPUT": path})
    made = QgsVectorLayer(path, "changes", "ogr")
    QgsProject.instance().addMapLayer(made)
    return made


def asked(tmp_path, kind):
    messages = map(json.loads, (tmp_path / "fake_worker.jsonl").read_text().splitlines())
    return [message for message in messages if message["type"] == kind][-1][kind]


def test_a_sample_is_asked_for_with_its_defaults_and_with_values(layer, tmp_path):
    output = str(tmp_path / "sample.gpkg")
    results, _ = run({"INPUT": layer.id(), "OUTPUT": output}, name=DRAW)
    message = asked(tmp_path, "sample")
    assert message.pop("layer").split("|")[0] == str(tmp_path / "changes.gpkg")
    defaults = {"by": "change", "standard_error": 0.02, "expected_changed": 0.75, "expected_unchanged": 0.95, "minimum": 50, "seed": 0}
    assert message == {**defaults, "output": output}
    assert results == {"OUTPUT": output, "SAMPLED": 6, "STRATA": "changed: 4 / 4; unchanged: 2 / 8"}
    run({"INPUT": layer.id(), "OUTPUT": output, "BY": "class", "SIZE": 30, "SEED": 7, "STANDARD_ERROR": 0.05}, name=DRAW)
    assert {name: asked(tmp_path, "sample")[name] for name in ("by", "size", "seed", "standard_error")} == {
        "by": "class", "size": 30, "seed": 7, "standard_error": 0.05
    }  # fmt: skip


def test_the_estimates_are_outputs(layer, tmp_path):
    sample, table = write_sample(tmp_path / "sample.gpkg"), str(tmp_path / "accuracy.csv")
    results, _ = run({"SAMPLE": sample, "LAYER": layer.id(), "OUTPUT_CSV": table}, name=ACCURACY)
    message = asked(tmp_path, "accuracy")
    assert message.pop("layer").split("|")[0] == str(tmp_path / "changes.gpkg")
    assert message == {"sample": sample, "json": None, "csv": table}
    assert (results["OVERALL"], results["OVERALL_LOW"], results["CHANGE_M2"], results["MAPPED_M2"]) == (0.9, 0.85, 7e4, 65536.0)
    assert results["SUMMARY"] == "90.0 % is right." and "KAPPA" not in results and results["OUTPUT_CSV"] == table
    run({"SAMPLE": sample}, name=ACCURACY)
    assert asked(tmp_path, "accuracy")["layer"] is None


def test_a_report_takes_a_sample(layer, tmp_path):
    sample = write_sample(tmp_path / "sample.gpkg")
    run({"LAYER": layer.id(), "OUTPUT": str(tmp_path / "report.html"), "ACCURACY": sample}, name=REPORT)
    assert asked(tmp_path, "report")["accuracy"] == sample


def test_a_pdf_that_cannot_be_written_is_an_error(layer, tmp_path):
    (tmp_path / "taken.pdf").mkdir()
    with pytest.raises(QgsProcessingException, match="taken.pdf cannot be written"):
        run({"LAYER": layer.id(), "OUTPUT": str(tmp_path / "report.html"), "PDF": str(tmp_path / "taken.pdf")}, name=REPORT)


def test_layers_that_are_not_ours_and_unsaved_edits_are_refused(layer, tmp_path):
    other = QgsVectorLayer("Polygon?field=name:string", "roads", "memory")
    QgsProject.instance().addMapLayer(other)
    with pytest.raises(QgsProcessingException, match="the layer roads has no column tile_id"):
        run({"INPUT": other.id(), "OUTPUT": str(tmp_path / "sample.gpkg")}, name=DRAW)
    layer.startEditing()
    layer.changeAttributeValue(1, layer.fields().indexOf("review"), "right")
    with pytest.raises(QgsProcessingException, match="edits that are not saved"):
        run({"SAMPLE": write_sample(tmp_path / "a.gpkg"), "LAYER": layer.id()}, name=ACCURACY)
    layer.rollBack()


@needs_engine
def test_from_a_layer_to_estimates_with_the_real_engine(layer, dock_page, tmp_path, monkeypatch):
    """Drawn by Processing, judged in the page, estimated and reported; a sample of another layer is one clear error."""
    from changescribe.qgis_plugin.client.worker_client import EngineClient

    monkeypatch.setenv("CHANGESCRIBE_PYTHON", ENGINE_PYTHON)
    EngineClient.instance().shutdown()
    sample = str(tmp_path / "sample.gpkg")
    drawn, _ = run({"INPUT": layer.id(), "OUTPUT": sample, "MINIMUM": 4, "SIZE": 9}, name=DRAW)
    assert drawn["SAMPLED"] >= 8
    with pytest.raises(QgsProcessingException, match="no tile of .* is judged"):
        run({"SAMPLE": sample}, name=ACCURACY)
    with pytest.raises(QgsProcessingException, match="exists"):
        run({"INPUT": layer.id(), "OUTPUT": sample}, name=DRAW)
    dock_page.open(sample)
    for row in list(dock_page.sample.rows):
        dock_page.judge(row["mapped"])
    found, _ = run({"SAMPLE": sample, "LAYER": layer.id(), "OUTPUT_JSON": str(tmp_path / "accuracy.json")}, name=ACCURACY)
    assert found["OVERALL"] == pytest.approx(1) and found["JUDGED"] == drawn["SAMPLED"] and found["CHANGE_M2"] == pytest.approx(found["MAPPED_M2"])
    assert json.loads((tmp_path / "accuracy.json").read_text("utf-8"))["left"] == 0
    page = tmp_path / "report.html"
    pdf = tmp_path / "report.pdf"
    report, _ = run({"LAYER": layer.id(), "OUTPUT": str(page), "PDF": str(pdf), "ACCURACY": sample, "TOP": 0}, name=REPORT)
    assert report["PDF"] == str(pdf) and pdf.read_bytes().startswith(b"%PDF") and pdf.stat().st_size > 10_000
    assert "error-adjusted area" in report["SUMMARY"] and "Error matrix" in page.read_text("utf-8")
    layer.startEditing()
    layer.deleteFeature(next(feature.id() for feature in layer.getFeatures() if feature["tile_id"] == dock_page.sample.rows[0]["tile_id"]))
    layer.commitChanges()
    with pytest.raises(QgsProcessingException, match="lacks 1 of the sampled tiles"):
        run({"SAMPLE": sample, "LAYER": layer.id()}, name=ACCURACY)


@pytest.fixture
def dock_page(dock):
    dock.pages.setCurrentWidget(dock.judging)
    dock.judging.source.name.setText("Ada")
    return dock.judging
