"""captionchanges in real QGIS with the fake worker."""

import re
import time

import pytest
from changescribe.engine.contract.fields import REVIEW, TILE, names_of
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QEventLoop, QTimer
from qgis.PyQt.QtGui import QColor, QImage

from helpers import CHANGES, Feedback, run, sent, write_raster


def pair(rasters, **changes):
    return {"BEFORE": rasters["before"], "AFTER": rasters["after"], "OUTPUT": "memory:", **changes}


def test_each_tile_becomes_a_feature(provider, engine, rasters):
    engine()
    results, context = run(pair(rasters))
    layer = context.getMapLayer(results["OUTPUT"])
    assert {name: results[name] for name in ("TILES", "CAPTIONED", "CHANGED", "SKIPPED", "FAILED")} == {
        "TILES": 16, "CAPTIONED": 12, "CHANGED": 4, "SKIPPED": 4, "FAILED": 0,
    }  # fmt: skip
    assert tuple(layer.fields().names()) == names_of(TILE, REVIEW)
    assert layer.crs().authid() == "EPSG:32633"
    first = next(layer.getFeatures())
    assert (first["caption"], first["changed"], first["added"]) == ("a row of houses is built along the road", True, "building; road")
    assert first.geometry().area() == pytest.approx(128 * 128)


def test_output_file_keeps_style_and_provenance(provider, engine, rasters, tmp_path):
    engine()
    path = tmp_path / "out.gpkg"
    run(pair(rasters, OUTPUT=str(path)))
    layer = QgsVectorLayer(str(path), "out")
    assert layer.featureCount() == 16
    assert '"before"' in layer.metadata().abstract()
    assert any(line.startswith("counts: ") for line in layer.metadata().history())
    assert layer.renderer().type() == "categorizedSymbol"
    assert layer.attributeAlias(layer.fields().indexOf("caption")) == "Change caption"


def test_request_holds_what_was_chosen(provider, engine, rasters, tmp_path):
    engine()
    chosen = {
        "AFTER_BANDS": [3, 2, 1], "BEFORE_BANDS": [2], "EXTENT": "500000,500256,4999744,5000000 [EPSG:32633]", "OVERLAP": 32, "RESOLUTION": "0.5",
        "STRETCH": "none", "MAX_NODATA": 0.25, "THRESHOLD": 0.7, "DEVICE": "cpu", "BATCH_SIZE": 4, "DECODING": "greedy",
    }  # fmt: skip
    run(pair(rasters, **chosen))
    request = sent(tmp_path / "fake_worker.jsonl")[0]
    assert (request["before_bands"], request["after_bands"]) == ([2, 2, 2], [3, 2, 1])
    assert request["extent"] == [500000, 4999744, 500256, 5000000]
    wanted = {"overlap_px": 32, "resolution": 0.5, "stretch": "none", "max_nodata": 0.25, "threshold": 0.7, "device": "cpu", "batch_size": 4}
    assert {name: request[name] for name in wanted} == wanted


def test_without_choices_the_engine_chooses(provider, engine, rasters, tmp_path):
    engine()
    run(pair(rasters))
    request = sent(tmp_path / "fake_worker.jsonl")[0]
    assert [request[name] for name in ("before_bands", "extent", "aoi", "threshold", "batch_size")] == [None] * 5


def test_a_project_layer_gives_the_bands_it_shows(provider, engine, rasters, tmp_path, qgis_new_project):
    engine()
    layer = QgsRasterLayer(rasters["after"], "after")
    layer.renderer().setRedBand(4)
    QgsProject.instance().addMapLayer(layer)
    run(pair(rasters, AFTER=layer.id()))
    assert sent(tmp_path / "fake_worker.jsonl")[0]["after_bands"] == [4, 2, 3]


def test_selected_polygons_become_the_area(provider, engine, rasters, tmp_path, qgis_new_project):
    engine()
    layer = QgsVectorLayer("Polygon?crs=EPSG:32633", "zones", "memory")
    for x in (500000, 500256):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromWkt(f"POLYGON(({x} 4999800, {x + 100} 4999800, {x + 100} 4999900, {x} 4999900, {x} 4999800))"))
        layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    layer.selectByIds([2])
    run(pair(rasters, AOI=QgsProcessingFeatureSourceDefinition(layer.id(), True)))
    area = QgsVectorLayer(sent(tmp_path / "fake_worker.jsonl")[0]["aoi"], "area")
    assert area.featureCount() == 1
    assert area.extent().xMinimum() == 500256


def test_cancel_within_a_second_keeps_partial_output(provider, engine, rasters):
    engine("slow").start()
    feedback = Feedback(cancel_after_s=1.2)
    results, context = run(pair(rasters), feedback)
    assert time.monotonic() - feedback.cancel_at < 1.0
    assert 0 < results["TILES"] < 16
    assert context.getMapLayer(results["OUTPUT"]).featureCount() == results["TILES"]


def test_progress_is_reported(provider, engine, rasters):
    engine()
    feedback = Feedback()
    run(pair(rasters), feedback)
    assert feedback.progress() == 100
    assert feedback.texts[-1].startswith("16 of 16 tiles, 4 changed")


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("crash", "stopped unexpectedly .exit -9; probably out of memory"),
        ("no_result", "stopped unexpectedly .exit 0"),
        ("error", "x.tif has no CRS. Needed: a georeferenced raster. To do: assign one"),
        ("crash_at_start", "did not start .exit 1.*No module named 'torch'"),
    ],
)
def test_a_failing_engine_fails_the_algorithm(provider, engine, rasters, mode, message):
    engine(mode)
    with pytest.raises(QgsProcessingException, match=message):
        run(pair(rasters))


def test_without_an_engine_the_remedy_is_said(provider, engine, rasters, monkeypatch, tmp_path):
    engine()
    monkeypatch.delenv("CHANGESCRIBE_PYTHON")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(QgsProcessingException, match="engine is not set up.*To do: set up the engine.*Engine status"):
        run(pair(rasters))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"AFTER": "before"}, "the same raster for BEFORE and AFTER"),
        ({"AFTER": "far"}, "share no ground.*To do: check the CRS"),
        ({"BEFORE": "bare"}, "BEFORE raster bare has no CRS"),
        ({"RESOLUTION": "fine"}, "resolution = 'fine'. Needed: native, model or metres"),
        ({"OVERLAP": 300}, "overlap_px = 300"),
        ({"BEFORE_BANDS": [1, 2]}, "bands 1, 2 of before, which has 3. Needed: three bands"),
        ({"EXTENT": "0,1,0,1 [EPSG:32633]", "AOI": "zones"}, "an extent and an area layer"),
    ],
)
def test_bad_parameters_are_refused_with_a_remedy(provider, engine, rasters, tmp_path, changes, message):
    engine()
    files = {
        "before": rasters["before"],
        "far": write_raster(tmp_path / "far.tif", origin=(700000.0, 5100000.0)),
        "bare": write_raster(tmp_path / "bare.tif", crs=None),
        "zones": QgsVectorLayer("Polygon?crs=EPSG:32633", "zones", "memory"),
    }
    with pytest.raises(QgsProcessingException, match=message):
        run(pair(rasters, **{name: files.get(value, value) if isinstance(value, str) else value for name, value in changes.items()}))


def test_a_crs_set_in_qgis_goes_along(provider, engine, rasters, tmp_path, qgis_new_project):
    engine()
    layer = QgsRasterLayer(rasters["after"], "after")
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:25833"))
    QgsProject.instance().addMapLayer(layer)
    run(pair(rasters, AFTER=layer.id()))
    assert sent(tmp_path / "fake_worker.jsonl")[0]["after"] == f"vrt://{rasters['after']}?a_srs=EPSG:25833"


def test_a_shapefile_is_warned_about(provider, engine, rasters, tmp_path):
    engine()
    feedback = Feedback()
    run(pair(rasters, OUTPUT=str(tmp_path / "out.shp")), feedback)
    assert "cuts field names to 10 characters" in feedback.textLog()


def test_an_online_layer_is_written_to_a_geotiff(provider, engine, rasters, tmp_path, qgis_new_project):
    engine()
    tile = QImage(256, 256, QImage.Format.Format_RGB32)
    tile.fill(QColor(10, 200, 30))
    tile.save(str(tmp_path / "tile.png"))
    layer = QgsRasterLayer(f"type=xyz&url=file://{tmp_path}/tile.png?z={{z}}%26x={{x}}%26y={{y}}&zmax=19&zmin=0", "online", "wms")
    QgsProject.instance().addMapLayer(layer)
    run(pair(rasters, AFTER=layer.id()))
    written = QgsRasterLayer(sent(tmp_path / "fake_worker.jsonl")[0]["after"], "written")
    assert written.crs().authid() == "EPSG:3857"
    assert written.bandCount() == 4
    sample = written.dataProvider().sample(written.extent().center(), 2)
    assert sample == (200.0, True)


def test_an_online_layer_without_a_picture_is_refused(provider, engine, rasters, qgis_new_project):
    engine()
    layer = QgsRasterLayer("type=xyz&url=file:///nothing/{z}/{x}/{y}.png&zmax=19&zmin=0", "online", "wms")
    QgsProject.instance().addMapLayer(layer)
    with pytest.raises(QgsProcessingException, match="online returned an empty image.*To do: check the connection"):
        run(pair(rasters, AFTER=layer.id()))


def test_the_toolbox_runs_it_in_the_background(provider, engine, rasters):
    """As the Processing dialog does: in a task, while the main thread's events go on."""
    engine("slow").start()
    context, feedback, loop, ticks, ends = QgsProcessingContext(), QgsProcessingFeedback(False), QEventLoop(), [], []
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(CHANGES)
    task = QgsProcessingAlgRunnerTask(algorithm, pair(rasters), context, feedback)
    task.executed.connect(lambda ok, results: (ends.append((ok, results)), loop.quit()))
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(len(ticks)))
    timer.start(50)
    QTimer.singleShot(900, feedback.cancel)
    QTimer.singleShot(20_000, loop.quit)
    QgsApplication.taskManager().addTask(task)
    loop.exec()
    timer.stop()
    _, results = ends[0]
    assert 0 < results["TILES"] < 16
    assert len(ticks) > 10
    # The dialog drops a cancelled run's temporary layer; the log names the file that keeps it.
    kept = re.search(r"so far are in (\S+\.gpkg)", feedback.textLog())[1]
    assert QgsVectorLayer(kept, "kept").featureCount() == results["TILES"]


def test_too_large_an_online_area_is_refused(provider, engine, rasters, monkeypatch, qgis_new_project):
    from changescribe.qgis_plugin.layers import exports as module

    engine()
    monkeypatch.setattr(module, "MAX_PIXELS", 100)
    layer = QgsRasterLayer("type=xyz&url=file:///nothing/{z}/{x}/{y}.png&zmax=19&zmin=0", "online", "wms")
    QgsProject.instance().addMapLayer(layer)
    with pytest.raises(QgsProcessingException, match="online would give .* pixels.*choose a smaller EXTENT"):
        run(pair(rasters, AFTER=layer.id()))
