"""The panel: requests, runs, cancel, crash, resume, list, comparison."""

import json
import sqlite3
import time
from pathlib import Path

import pytest
from gui_window import wait_until
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QEvent, QPointF, Qt
from qgis.PyQt.QtGui import QMouseEvent

from helpers import sent, write_raster


def run_to_end(dock):
    dock.start()
    assert dock.run is not None, dock.message.text()
    wait_until(lambda: dock.run is None)


def caption_layers():
    return [layer for layer in QgsProject.instance().mapLayers().values() if isinstance(layer, QgsVectorLayer)]


def write_output(path, layer, provenance):
    """A GeoPackage as the engine leaves it, holding the features of ``layer``."""
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", "change_captions"
    error = QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), QgsProject.instance().transformContext(), options)
    assert error[0] == QgsVectorFileWriter.NoError, error
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS gpkg_metadata (id INTEGER PRIMARY KEY, md_scope TEXT, md_standard_uri TEXT, mime_type TEXT, metadata TEXT)"
        )
        database.execute(
            "CREATE TABLE IF NOT EXISTS gpkg_metadata_reference (reference_scope TEXT, table_name TEXT, column_name TEXT, row_id_value INTEGER,"
            " timestamp DATETIME, md_file_id INTEGER, md_parent_id INTEGER)"
        )
        text = json.dumps(provenance).replace('"', "&quot;")
        database.execute(
            "INSERT INTO gpkg_metadata (md_scope, md_standard_uri, mime_type, metadata) VALUES ('dataset', 'http://gdal.org', 'text/xml', ?)",
            (f'<GDALMultiDomainMetadata><Metadata><MDI key="changescribe">{text}</MDI></Metadata></GDALMultiDomainMetadata>',),
        )


def test_a_run_fills_map_and_list(dock, engine):
    engine()
    run_to_end(dock)
    assert "Done: 4 of 16 tiles changed" in dock.message.text()
    assert len(dock.results.model.tiles) == 16
    assert dock.results.model.rowCount() == 4
    (layer,) = caption_layers()  # the fake engine writes no file, so the live layer stays, and says so
    assert layer.featureCount() == 16
    assert "not saved" in layer.name()


def test_tiles_show_while_it_runs(dock, engine):
    engine("slow")
    dock.start()
    wait_until(lambda: len(dock.results.model.tiles) > 0)
    assert dock.run is not None
    assert caption_layers()[0].featureCount() > 0
    assert "of 16 tiles" in dock.progress.format()
    dock.cancel()
    wait_until(lambda: dock.run is None)


def test_the_request_holds_what_the_form_says(dock, engine, tmp_path):
    engine()
    dock.form.rows.widgets["threshold"].setValue(0.3)
    dock.form.rows.widgets["overlap_px"].setValue(32)
    dock.form.rows.widgets["resolution"].kind.setCurrentIndex(2)
    dock.form.rows.widgets["resolution"].metres.setValue(0.4)
    dock.form.before_bands.mode.setCurrentIndex(2)
    dock.form.before_bands.boxes[0].setBand(3)
    dock.form.after_bands.mode.setCurrentIndex(1)
    dock.form.area.mode.setCurrentIndex(1)
    run_to_end(dock)
    request = sent(tmp_path / "fake_worker.jsonl")[0]
    assert (request["threshold"], request["overlap_px"], request["resolution"]) == (0.3, 32, 0.4)
    assert request["before_bands"] == [3, 2, 3]
    assert request["after_bands"] is None
    seen = dock.form.area.area().rectangle
    assert request["extent"] == [seen.xMinimum(), seen.yMinimum(), seen.xMaximum(), seen.yMaximum()]


def test_bands_default_to_those_shown(dock, pair):
    assert dock.form.before_bands.bands() == (1, 2, 3)
    pair[0].renderer().setRedBand(3)
    assert dock.form.before_bands.bands() == (3, 2, 3)


def test_swap(dock, pair):
    dock.form.swap()
    assert dock.form.layers() == (pair[1], pair[0])


@pytest.mark.parametrize("crs", ["EPSG:32633", "EPSG:4326"])
def test_selected_polygons_are_written_with_their_crs(dock, engine, tmp_path, crs):
    engine()
    layer = QgsVectorLayer(f"Polygon?crs={crs}", "zones", "memory")
    for x in (0, 1):
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(x, 0, x + 0.5, 1)))
        layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    layer.selectByIds([2])
    dock.form.area.mode.setCurrentIndex(3)
    dock.form.area.layer_box.setLayer(layer)
    dock.form.area.selected_only.setChecked(True)
    run_to_end(dock)
    request = sent(tmp_path / "fake_worker.jsonl")[0]
    written = QgsVectorLayer(request["aoi"], "written", "ogr")
    assert written.featureCount() == 1
    assert written.crs().authid() == crs
    assert "out_inputs" in request["aoi"]


def test_no_selection_is_said(dock, engine):
    engine()
    layer = QgsVectorLayer("Polygon?crs=EPSG:32633", "zones", "memory")
    QgsProject.instance().addMapLayer(layer)
    dock.form.area.mode.setCurrentIndex(3)
    dock.form.area.layer_box.setLayer(layer)
    dock.form.area.selected_only.setChecked(True)
    dock.start()
    assert dock.run is None
    assert "no selected polygon in zones" in dock.message.text()


def test_a_drawn_rectangle_becomes_the_extent(dock, engine, plugin, tmp_path):
    engine()
    canvas = plugin.iface.mapCanvas()
    dock.form.area.mode.setCurrentIndex(2)
    dock.form.area.rectangle_button.click()
    for kind, x, y in ((QEvent.Type.MouseButtonPress, 40, 40), (QEvent.Type.MouseMove, 90, 80), (QEvent.Type.MouseButtonRelease, 90, 80)):
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        event = QMouseEvent(kind, QPointF(x, y), button, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
        {40: canvas.mousePressEvent}.get(x, canvas.mouseMoveEvent if kind == QEvent.Type.MouseMove else canvas.mouseReleaseEvent)(event)
    corner = canvas.getCoordinateTransform().toMapCoordinates(40, 40)
    assert dock.form.area.drawn is not None
    assert dock.form.area.drawn.boundingBox().xMinimum() == pytest.approx(corner.x())
    run_to_end(dock)
    assert sent(tmp_path / "fake_worker.jsonl")[0]["extent"][3] == pytest.approx(corner.y())


def test_cancel_keeps_what_is_done_and_says_so_at_once(dock, engine):
    engine("slow")
    dock.start()
    wait_until(lambda: len(dock.results.model.tiles) > 0)
    begun = time.monotonic()
    dock.cancel()
    wait_until(lambda: dock.run is None)
    assert time.monotonic() - begun < 1.5
    kept = len(dock.results.model.tiles)
    assert dock.message.text() == f"Cancelled. {kept} tiles were kept."
    assert caption_layers()[0].featureCount() == kept
    assert dock.run_button.isEnabled()


def test_a_crash_keeps_what_is_done_and_offers_to_resume(dock, engine, tmp_path):
    engine("crash")
    dock.start()
    live = dock.run.layer
    # Stands for what the engine had committed: the fake one writes no file.
    dock.run.tiles.connect(lambda _tiles: write_output(tmp_path / "out.gpkg", live, {"request": {}, "ended": "now"}))
    wait_until(lambda: dock.run is None)
    assert "stopped unexpectedly" in dock.message.text()
    assert "'Resume' continues from there." in dock.message.text()
    assert dock.run_button.text() == "Resume"
    (layer,) = caption_layers()
    assert layer.source().startswith(str(tmp_path / "out.gpkg"))
    engine()
    run_to_end(dock)
    messages = [json.loads(line) for line in (tmp_path / "fake_worker.jsonl").read_text().splitlines()]
    assert [message["resume"] for message in messages if message["type"] == "caption"] == [False, True]


def test_a_run_is_not_resumed_over_unsaved_edits(dock, engine, tmp_path):
    engine("crash")
    dock.start()
    live = dock.run.layer
    dock.run.tiles.connect(lambda _tiles: write_output(tmp_path / "out.gpkg", live, {"request": {}, "ended": "now"}))
    wait_until(lambda: dock.run is None)
    (layer,) = caption_layers()
    layer.startEditing()
    layer.changeAttributeValue(next(layer.getFeatures()).id(), layer.fields().indexOf("review"), "right")
    dock.start()
    assert dock.run is None
    assert "is loaded as the layer out, whose edits are not saved" in dock.message.text()
    assert "To do: save or discard the layer's edits" in dock.message.text()
    engine()
    layer.commitChanges()
    run_to_end(dock)
    assert dock.message.text().startswith("Done")


def test_a_resumed_run_counts_the_tiles_that_the_map_hides(dock, engine, tmp_path):
    """The list is read anew from the file, whole, whatever 'Only listed' shows of it."""
    engine("crash")
    dock.look.filtered.setChecked(True)
    dock.start()
    live = dock.run.layer
    live.setSubsetString("")  # what stands for the engine's file has all tiles
    dock.run.tiles.connect(lambda _tiles: write_output(tmp_path / "out.gpkg", live, {"request": {}, "ended": "now"}))
    wait_until(lambda: dock.run is None)
    stored = QgsVectorLayer(f"{tmp_path / 'out.gpkg'}|layername=change_captions", "stored", "ogr").featureCount()
    engine()
    run_to_end(dock)
    changed = sum(bool(tile["properties"]["changed"]) for tile in dock.results.model.tiles)
    assert f"Done: {changed} of {stored} tiles changed" in dock.message.text()
    assert len(dock.results.model.tiles) == stored > changed
    assert dock.review.review.layer.featureCount() == changed


def test_the_files_layer_takes_the_live_ones_place(dock, engine, tmp_path):
    engine("slow")
    dock.start()
    wait_until(lambda: len(dock.results.model.tiles) > 0)
    write_output(tmp_path / "out.gpkg", dock.run.layer, {"counts": {"done": 16}})
    wait_until(lambda: dock.run is None)
    (layer,) = caption_layers()
    assert layer.name() == "out"
    assert layer.renderer().type() == "categorizedSymbol"
    assert QgsProject.instance().layerTreeRoot().findLayer(layer.id()) is not None


def test_by_default_the_output_lies_where_it_stays(dock, pair, tmp_path, monkeypatch):
    """Beside the project; of one that is not saved beside the before raster; where that cannot be, in the documents. Never a file that is there."""
    from qgis.core import QgsProcessingUtils

    form = dock.form
    form.output.setFilePath("")
    assert form.output_path() == tmp_path / "change_captions.gpkg"
    (tmp_path / "change_captions.gpkg").touch()
    dock.update_estimate()
    assert form.output.lineEdit().placeholderText() == str(form.output_path()) == str(tmp_path / "change_captions_2.gpkg")
    home = tmp_path / "home"
    documents = home / "Documents"
    documents.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    with monkeypatch.context() as patch:
        patch.setattr("os.access", lambda path, _mode: path != tmp_path)
        assert form.output_path() == documents / "change_captions.gpkg"
    fleeting = Path(QgsProcessingUtils.tempFolder()) / "before.tif"
    layer = QgsRasterLayer(write_raster(fleeting, size=64, origin=(0.0, 512.0), pixel=8.0), "fleeting")
    QgsProject.instance().addMapLayer(layer)
    form.before.setLayer(layer)
    assert form.output_path() == documents / "change_captions.gpkg"
    project = tmp_path / "project"
    project.mkdir()
    assert QgsProject.instance().write(str(project / "map.qgs"))
    assert form.output_path() == project / "change_captions.gpkg"


def test_a_finished_output_is_not_touched(dock, engine, tmp_path):
    engine()
    live = QgsVectorLayer("Polygon?crs=EPSG:32633&field=a:int", "x", "memory")
    write_output(tmp_path / "out.gpkg", live, {"counts": {"done": 16}})
    dock.start()
    assert dock.run is None
    assert "out.gpkg holds a finished run. Choose another output, such as change_captions.gpkg" in dock.message.text()


def test_an_engine_error_is_shown_whole(dock, engine):
    engine("error")
    run_to_end(dock)
    assert "x.tif has no CRS. Needed: a georeferenced raster. To do: assign one" in dock.message.text()
    assert caption_layers() == []


def test_the_estimate_counts_tiles_and_warns(dock, tmp_path):
    dock.update_estimate()
    assert "About 1 tiles at 8 m per pixel" in dock.form.estimate.text()
    assert "The model was trained at 0.5 m per pixel; this run has 8 m" in dock.form.estimate.text()
    dock.form.rows.widgets["resolution"].kind.setCurrentIndex(1)
    dock.update_estimate()
    assert "About 16 tiles at 0.5 m per pixel" in dock.form.estimate.text()
    coarse = QgsRasterLayer(write_raster(tmp_path / "coarse.tif", size=16, origin=(0.0, 512.0), pixel=32.0), "coarse")
    QgsProject.instance().addMapLayer(coarse)
    dock.form.after.setLayer(coarse)
    dock.update_estimate()
    assert "The dates differ in resolution: 8 m before, 32 m after" in dock.form.estimate.text()


def test_the_list_sorts_and_searches_and_a_row_zooms(dock, engine, plugin):
    engine()
    run_to_end(dock)
    dock.results.search.setText("trees")
    assert dock.results.model.rowCount() == 1
    dock.results.search.setText("")
    dock.results.changed_only.setChecked(False)
    assert dock.results.model.rowCount() == 16
    dock.results.changed_only.setChecked(True)
    dock.results.step(1)
    tile = dock.results.table.currentIndex().data(256)
    extent = plugin.iface.mapCanvas().extent()
    (x0, y0), (x1, y1) = tile["footprint"][0], tile["footprint"][2]
    assert extent.contains(QgsRectangle(x0, y1, x1, y0))
    assert extent.height() < 200
    assert dock.compare.caption.text().startswith(tile["properties"]["caption"])
    wait_until(lambda: not dock.compare.before._picture.isNull() and not dock.compare.after._picture.isNull())
    dock.results.step(-1)
    assert dock.results.table.currentIndex().row() == dock.results.model.rowCount() - 1


def test_flicker_shows_the_dates_in_turn_and_restores_the_map(dock, plugin, pair):
    canvas = plugin.iface.mapCanvas()
    dock.compare.flicker.setChecked(True)
    assert pair[0] in canvas.layers() and pair[1] not in canvas.layers()
    wait_until(lambda: pair[1] in canvas.layers())
    dock.compare.flicker.setChecked(False)
    assert not dock.two_dates.flicker.active
    plugin.iface.layerTreeCanvasBridge().setCanvasLayers.assert_called()


def test_unloading_during_a_run_ends_the_engine(dock, engine, plugin):
    client = engine("slow")
    dock.start()
    wait_until(lambda: len(dock.results.model.tiles) > 0)
    plugin.unload()
    assert not client.running
    wait_until(lambda: True)


def test_an_earlier_layer_can_be_listed(dock, engine, plugin, monkeypatch):
    engine()
    run_to_end(dock)
    (layer,) = caption_layers()
    sent_tiles = dock.results.model.tiles
    dock.results.clear()
    monkeypatch.setattr(plugin.iface._iface, "activeLayer", lambda: layer)
    dock.list_active_layer()
    unjudged = {"edited_caption": None, "review": None}
    assert dock.results.model.tiles == [{**tile, "properties": tile["properties"] | unjudged} for tile in sent_tiles]


def test_another_layer_is_not_listed(dock, plugin, pair, monkeypatch):
    monkeypatch.setattr(plugin.iface._iface, "activeLayer", lambda: pair[0])
    dock.list_active_layer()
    assert "Choose a layer of change captions" in dock.message.text()
