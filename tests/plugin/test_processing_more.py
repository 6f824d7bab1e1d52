"""captionarea, captionbatch, enginestatus, the provider, models and the modeler, with the fake worker."""

import re
import time
from pathlib import Path

import pytest
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QUrl

from helpers import CHANGES, Feedback, run, sent, write_raster

AREA, BATCH, STATUS = "changescribe:captionarea", "changescribe:captionbatch", "changescribe:enginestatus"


def attributes(layer):
    return [dict(zip(layer.fields().names(), feature.attributes())) for feature in layer.getFeatures()]


@pytest.fixture
def zones():
    """Two squares, one over the grid's upper left two by two tiles and one off the rasters; in another CRS than theirs (EPSG:25833)."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:25833&field=name:string&field=changed:integer", "zones", "memory")
    for name, x, y in (("inside", 0, 256), ("outside", 5000, 5000)):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([name, 7])
        feature.setGeometry(QgsGeometry.fromWkt(f"POLYGON(({x} {y}, {x + 256} {y}, {x + 256} {y + 256}, {x} {y + 256}, {x} {y}))"))
        layer.dataProvider().addFeature(feature)
    return layer


@pytest.mark.parametrize(
    "name", ["captionchanges", "captionbatch", "captionarea", "changereport", "exportreviewed", "drawsample", "accuracy", "enginestatus"]
)
def test_algorithms_are_described(provider, name):
    algorithm = provider.algorithm(name)
    assert algorithm.shortHelpString() and algorithm.tags()
    assert Path(QUrl(algorithm.helpUrl()).toLocalFile()).is_file()
    assert not algorithm.flags() & QgsProcessingAlgorithm.Flag.FlagNoThreading
    assert algorithm.createInstance().name() == name


@pytest.mark.parametrize(
    "name", ["captionchanges", "captionbatch", "captionarea", "changereport", "exportreviewed", "drawsample", "accuracy", "enginestatus"]
)
def test_help_ends_with_a_command_of_real_parameters(provider, name):
    algorithm = provider.algorithm(name)
    command = algorithm.shortHelpString().rpartition("\n\n")[2]
    assert command.startswith(f"On the command line: qgis_process run changescribe:{name} --")
    given = set(re.findall(r"--(\w+)=", command))
    known = {parameter.name(): parameter for parameter in algorithm.parameterDefinitions()}
    assert given <= set(known)
    required = {key for key, one in known.items() if not one.flags() & one.Flag.FlagOptional and one.defaultValue() is None}
    assert required <= given


def test_provider_id_is_stable(provider):
    assert (provider.id(), [algorithm.name() for algorithm in provider.algorithms()]) == (
        "changescribe", ["accuracy", "captionarea", "captionbatch", "captionchanges", "changereport", "drawsample", "enginestatus", "exportreviewed"],
    )  # fmt: skip


@pytest.fixture
def placed(tmp_path):
    """A pair of rasters where the fake worker's grid lies: 0, 0 to 512, 512."""
    return {name: write_raster(tmp_path / f"placed_{name}.tif", origin=(0.0, 512.0)) for name in ("before", "after")}


def test_each_area_becomes_a_row_with_its_own_attributes(provider, engine, placed, zones):
    engine()
    results, context = run({"BEFORE": placed["before"], "AFTER": placed["after"], "INPUT": zones, "OUTPUT": "memory:"}, name=AREA)
    layer = context.getMapLayer(results["OUTPUT"])
    inside, outside = attributes(layer)
    assert layer.crs().authid() == "EPSG:25833"
    assert (inside["name"], inside["changed"], inside["tiles"], inside["changed_2"]) == ("inside", 7, 4, 2)
    assert inside["changed_share"] == pytest.approx(0.5, abs=0.01)
    assert inside["summary"].startswith("2 of 4 tiles changed (50 % of the area): ")
    assert outside["summary"] == "No tile lies here: the area is outside the rasters."
    assert results["TILES"] == 16


def test_a_cancelled_area_run_says_that_it_is_partial(provider, engine, placed, zones):
    engine("slow").start()
    feedback = Feedback(cancel_after_s=0.8)
    results, context = run({"BEFORE": placed["before"], "AFTER": placed["after"], "INPUT": zones, "OUTPUT": "memory:"}, feedback, AREA)
    assert time.monotonic() - feedback.cancel_at < 1.0
    assert all(values["summary"].startswith("Cancelled, partial: ") for values in attributes(context.getMapLayer(results["OUTPUT"])))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("Polygon?crs=EPSG:25833", "the area zones has no polygons. Needed: at least one"),
        ("far", "an area .* outside placed_before .*Needed: an area on the ground that both rasters share"),
    ],
)
@pytest.mark.parametrize(("algorithm", "parameter"), [(AREA, "INPUT"), (CHANGES, "AOI")])
def test_areas_that_cannot_be_are_refused_before_the_run(provider, engine, placed, zones, layer, message, algorithm, parameter):
    engine()
    if layer == "far":
        zones.dataProvider().deleteFeatures([1])
        zones.updateExtents()
    else:
        zones = QgsVectorLayer(layer, "zones", "memory")
    with pytest.raises(QgsProcessingException, match=message):
        run({"BEFORE": placed["before"], "AFTER": placed["after"], parameter: zones, "OUTPUT": "memory:"}, name=algorithm)


def batch_folder(tmp_path):
    folder = tmp_path / "pairs"
    folder.mkdir()
    for name in ("a_before", "a_after", "b_before"):
        write_raster(folder / f"{name}.tif")
    return folder


def test_a_bad_pair_does_not_stop_the_rest(provider, engine, tmp_path):
    engine()
    out = tmp_path / "out"
    results, context = run({"FOLDER": str(batch_folder(tmp_path)), "OUTPUT_FOLDER": str(out), "SUMMARY": "memory:"}, name=BATCH)
    assert (results["PAIRS"], results["DONE"], results["FAILED_PAIRS"]) == (2, 1, 1)
    good, bad = attributes(context.getMapLayer(results["SUMMARY"]))
    assert (good["name"], good["status"]) == ("a", "done")
    assert (bad["name"], bad["status"]) == ("b", "failed")
    assert "b_before.tif has no partner" in bad["message"]


def test_a_table_gives_pairs_areas_and_outputs(provider, engine, tmp_path):
    engine()
    folder = batch_folder(tmp_path)
    (folder / "jobs.csv").write_text("output,before,after,aoi\nfirst,a_before.tif,a_after.tif,zones.gpkg\nsecond,a_after.tif,a_before.tif,\n")
    run({"TABLE": str(folder / "jobs.csv"), "OUTPUT_FOLDER": str(tmp_path / "out"), "SUMMARY": "memory:", "BEFORE_BANDS": "3,2,1"}, name=BATCH)
    first, second = sent(tmp_path / "fake_worker.jsonl")
    assert (first["before"], first["aoi"], first["before_bands"]) == (str(folder / "a_before.tif"), str(folder / "zones.gpkg"), [3, 2, 1])
    assert (second["before"], second["aoi"]) == (str(folder / "a_after.tif"), None)


def test_a_series_is_captioned_from_date_to_date(provider, engine, tmp_path):
    engine()
    folder = tmp_path / "series"
    folder.mkdir()
    for date in ("2019", "2020", "2021"):
        write_raster(folder / f"town_{date}.tif")
    parameters = {"FOLDER": str(folder), "SERIES_PATTERN": "{place}_{date}.tif", "OUTPUT_FOLDER": str(tmp_path / "out"), "SUMMARY": "memory:"}
    results, context = run(parameters, name=BATCH)
    assert [row["name"] for row in attributes(context.getMapLayer(results["SUMMARY"]))] == ["town_2019_2020", "town_2020_2021"]
    run({**parameters, "PAIRING": "first-last", "OUTPUT_FOLDER": str(tmp_path / "ends")}, name=BATCH)
    last = sent(tmp_path / "fake_worker.jsonl")[-1]
    assert (last["before"], last["after"]) == (str(folder / "town_2019.tif"), str(folder / "town_2021.tif"))


def test_a_dying_engine_fails_its_pair_and_not_the_batch(provider, engine, tmp_path):
    engine("crash")
    folder = batch_folder(tmp_path)
    write_raster(folder / "b_after.tif")
    results, context = run({"FOLDER": str(folder), "OUTPUT_FOLDER": str(tmp_path / "out"), "SUMMARY": "memory:"}, name=BATCH)
    assert (results["PAIRS"], results["FAILED_PAIRS"]) == (2, 2)
    assert all("stopped unexpectedly" in values["message"] for values in attributes(context.getMapLayer(results["SUMMARY"])))


def test_a_cancelled_batch_lists_what_did_not_run(provider, engine, tmp_path):
    engine("slow").start()
    folder = batch_folder(tmp_path)
    write_raster(folder / "b_after.tif")
    feedback = Feedback(cancel_after_s=0.8)
    results, context = run({"FOLDER": str(folder), "OUTPUT_FOLDER": str(tmp_path / "out"), "SUMMARY": "memory:"}, feedback, BATCH)
    assert time.monotonic() - feedback.cancel_at < 1.0
    assert [values["status"] for values in attributes(context.getMapLayer(results["SUMMARY"]))] == ["cancelled", "not run"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "no pairs. Needed: a table or a folder"),
        ({"FOLDER": "/tmp", "TABLE": "x.csv"}, "both a table and a folder|TABLE|Table"),
        ({"FOLDER": "/tmp", "BEFORE_BANDS": "1,x"}, "bands '1,x'. Needed: three band numbers"),
        ({"FOLDER": "/tmp", "BEFORE_BANDS": "1,2"}, "before_bands = .1, 2.. Needed: three band numbers"),
        ({"FOLDER": "/tmp", "BEFORE_PATTERN": "x.tif"}, "the pattern 'x.tif'. Needed: {name} once"),
        ({"FOLDER": "/tmp", "SERIES_PATTERN": "{place}.tif"}, "the pattern '{place}.tif'. Needed: {date} once"),
        ({"FOLDER": "/nowhere"}, "the folder /nowhere, which does not exist"),
    ],
)
def test_bad_batch_parameters_are_refused(provider, engine, tmp_path, changes, message):
    engine()
    with pytest.raises(QgsProcessingException, match=message):
        run({"OUTPUT_FOLDER": str(tmp_path), "SUMMARY": "memory:", **changes}, name=BATCH)


def test_status_reports_a_working_engine(provider, engine, tmp_path):
    engine()
    report = tmp_path / "report.html"
    results, _ = run({"REPORT": str(report)}, name=STATUS)
    assert results["READY"] is True
    assert "Engine: device: cpu" in results["STATUS"]
    assert "<th align='left'>torch</th><td>fake</td>" in report.read_text()


@pytest.mark.parametrize(("mode", "message"), [("crash_at_start", "did not start"), ("wrong_version", "speaks protocol 99")])
def test_status_reports_what_is_wrong_without_failing(provider, engine, mode, message):
    engine(mode)
    results, _ = run({}, name=STATUS)
    assert results["READY"] is False
    assert message in results["STATUS"]


def test_status_sets_up_on_request_only(provider, engine, monkeypatch, tmp_path):
    from changescribe.qgis_plugin.setup import install

    engine()
    calls = []
    monkeypatch.setattr(install, "install", lambda cancelled, progress, wheels, _wanted: calls.append(wheels) or progress(1.0, "set up"))
    run({}, name=STATUS)
    assert calls == []
    run({"INSTALL": True, "WHEELS": str(tmp_path)}, name=STATUS)
    assert calls == [tmp_path]


def test_caption_changes_runs_inside_a_model(provider, engine, rasters):
    engine()
    model = QgsProcessingModelAlgorithm("twice", "test")
    for name in ("before", "after"):
        model.addModelParameter(QgsProcessingParameterRasterLayer(name), QgsProcessingModelParameter(name))
    child = QgsProcessingModelChildAlgorithm(CHANGES)
    child.setChildId("captions")
    for name in ("BEFORE", "AFTER"):
        child.addParameterSources(name, [QgsProcessingModelChildParameterSource.fromModelParameter(name.lower())])
    child.addParameterSources("THRESHOLD", [QgsProcessingModelChildParameterSource.fromStaticValue(0.6)])
    output = QgsProcessingModelOutput("grid", "grid")
    output.setChildId("captions")
    output.setChildOutputName("OUTPUT")
    child.setModelOutputs({"grid": output})
    model.addChildAlgorithm(child)
    model.initAlgorithm()
    context, grid = QgsProcessingContext(), model.destinationParameterDefinitions()[0].name()
    results, ok = model.run({"before": rasters["before"], "after": rasters["after"], grid: "memory:"}, context, QgsProcessingFeedback())
    assert ok
    assert context.getMapLayer(results[grid]).featureCount() == 16
