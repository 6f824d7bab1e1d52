"""What the panel says and shows before a run: preview, time, resolution, dates; and clicks on layers that are no file."""

import json
import threading

import pytest
from changescribe.engine.contract.errors import Cancelled
from changescribe.qgis_plugin.gui import dock as dock_module
from changescribe.qgis_plugin.gui.form import area
from changescribe.qgis_plugin.gui.form.estimate import estimate
from changescribe.qgis_plugin.layers import areas
from gui_window import wait_until
from osgeo import gdal
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingContext,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsSettings,
    QgsVectorLayer,
    QgsVectorLayerFeatureSource,
)

from helpers import write_raster


@pytest.fixture(autouse=True)
def no_settings(qgis_app):
    QgsSettings().remove("changescribe")
    yield
    QgsSettings().remove("changescribe")


@pytest.fixture
def asked(tmp_path):
    def of_kind(kind):
        path = tmp_path / "fake_worker.jsonl"
        return [message for message in map(json.loads, path.read_text().splitlines()) if message["type"] == kind] if path.exists() else []

    return of_kind


def open_preview(dock):
    dock.form.preview.setCollapsed(False)
    dock.form.preview.refresh(dock.form)  # a box in a window that is not shown does not tell that it was opened
    wait_until(lambda: dock.form.preview.task is None)


def test_opening_the_box_asks(dock, engine, plugin, asked):
    engine()
    plugin.iface.mainWindow().show()
    try:
        dock.form.preview.setCollapsed(False)
        wait_until(lambda: len(asked("preview")) == 1 and dock.form.preview.task is None)
    finally:
        plugin.iface.mainWindow().hide()


def test_a_closed_preview_starts_no_engine(dock, engine):
    client = engine()
    dock.update_estimate()
    assert dock.form.preview.task is None
    assert not client.running


def test_an_open_preview_shows_both_dates_and_their_values(dock, engine, asked):
    engine()
    open_preview(dock)
    box = dock.form.preview
    assert all(not picture.pixmap().isNull() for picture in box.pictures.values())
    assert box.texts["before"].text() == "bands 1, 2, 3; black to white: 10–110, 20–120, 30–130"
    assert "Tile r00001_c00001 in the middle of the area, 8 m per pixel." in box.message.text()
    (message,) = asked("preview")
    assert message["request"]["before_bands"] == [1, 2, 3]


def test_a_preview_says_that_it_waits_for_a_run_of_the_toolbox(dock, engine):
    call = engine("slow").submit({"type": "caption", "request": {}, "output": None, "resume": False})
    dock.form.preview.setCollapsed(False)
    dock.form.preview.refresh(dock.form)
    assert dock.form.preview.message.text() == "A run is in progress. This starts when it finishes."
    call.cancel()
    wait_until(lambda: dock.form.preview.task is None)
    assert "in the middle of the area" in dock.form.preview.message.text()


def test_the_preview_follows_layers_bands_stretch_and_area(dock, engine, pair, asked):
    engine()
    open_preview(dock)
    dock.form.rows.widgets["stretch"].setCurrentIndex(1)
    wait_until(lambda: dock.form.preview.texts["after"].text() == "bands 1, 2, 3; values as they are")
    renderer = pair[1].renderer().clone()
    renderer.setRedBand(3)
    pair[1].setRenderer(renderer)
    wait_until(lambda: asked("preview")[-1]["request"]["after_bands"] == [3, 2, 3])
    dock.form.swap()
    wait_until(lambda: asked("preview")[-1]["request"]["before"].endswith("after.tif"))
    dock.form.area.mode.setCurrentIndex(1)
    wait_until(lambda: asked("preview")[-1]["request"]["extent"] is not None)


def test_what_changes_no_pixel_asks_for_no_preview(dock, engine, asked):
    engine()
    open_preview(dock)
    dock.form.rows.widgets["threshold"].setValue(0.3)
    dock.form.rows.widgets["overlap_px"].setValue(32)
    dock.update_estimate()
    assert dock.form.preview.task is None
    assert len(asked("preview")) == 1


def test_only_the_latest_of_many_changes_is_asked_for(dock, engine, asked):
    engine("slow")
    dock.form.preview.setCollapsed(False)
    wait_until(lambda: len(asked("preview")) == 1)
    dock.form.rows.widgets["resolution"].kind.setCurrentIndex(2)
    for metres in (1.0, 2.0, 3.0, 4.0):
        dock.form.rows.widgets["resolution"].metres.setValue(metres)
        dock.update_estimate()
    wait_until(lambda: dock.form.preview.task is None)
    assert [message["request"]["resolution"] for message in asked("preview")] == ["native", 4.0]


def test_no_preview_while_a_run_is_at_work(dock, engine, asked):
    engine("slow")
    dock.start()
    dock.form.preview.setCollapsed(False)
    assert dock.form.preview.task is None
    dock.cancel()
    wait_until(lambda: dock.run is None)
    wait_until(lambda: len(asked("preview")) == 1)  # now it is its turn


def test_a_preview_that_fails_says_why(dock, engine):
    engine("error")
    open_preview(dock)
    assert "x.tif has no CRS" in dock.form.preview.message.text()
    assert all(picture.pixmap() is None or picture.pixmap().isNull() for picture in dock.form.preview.pictures.values())
    dock.form.after.setLayer(dock.form.before.currentLayer())
    dock.form.area.mode.setCurrentIndex(2)  # nothing drawn
    dock.form.preview.refresh(dock.form)
    assert "the same raster" in dock.form.preview.message.text()


def test_time_is_unknown_before_the_first_run_and_then_the_last_runs(dock, engine):
    engine()
    dock.update_estimate()
    assert "The time is known after the first run on this computer." in dock.form.estimate.text()
    dock.start()
    wait_until(lambda: dock.run is None)  # 12 tiles with a caption in 1.6 s
    dock.form.rows.widgets["resolution"].kind.setCurrentIndex(1)
    dock.update_estimate()
    assert "About 16 tiles at 0.5 m" in dock.form.estimate.text()
    assert "About 2 s, at 7.5 tiles per second as in the last run." in dock.form.estimate.text()
    dock.form.rows.widgets["device"].setCurrentText("cuda")
    dock.update_estimate()
    assert "known after the first run" in dock.form.estimate.text()


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (45, "45 s"), (200, "3 min"), (7800, "2 h 10 min")])
def test_durations(qgis_app, seconds, text):
    from changescribe.qgis_plugin.gui.form.estimate import duration

    assert duration(seconds) == text


@pytest.fixture
def fine(dock, tmp_path):
    """The panel with two rasters of 0.2 m per pixel."""
    layers = [QgsRasterLayer(write_raster(tmp_path / f"fine_{name}.tif", size=1000, pixel=0.2), name) for name in ("before", "after")]
    QgsProject.instance().addMapLayers(layers)
    dock.form.before.setLayer(layers[0])
    dock.form.after.setLayer(layers[1])
    dock.update_estimate()
    return dock


def test_one_click_resamples_to_what_the_model_was_trained_at(fine):
    form = fine.form
    assert "About 16 tiles at 0.2 m per pixel; the model was trained at 0.5 m." in form.estimate.text()
    assert not form.resample.isHidden()
    assert form.resample.text() == "Resample to the model's 0.5 m per pixel"
    form.resample.click()
    assert form.options()["resolution"] == "model"
    fine.update_estimate()
    assert "About 4 tiles at 0.5 m per pixel" in form.estimate.text()
    assert "⚠" not in form.estimate.text()
    assert form.resample.text() == "Keep the layer's 0.2 m per pixel"
    form.resample.click()
    assert form.options()["resolution"] == "native"


@pytest.fixture
def zones(dock):
    """A layer of two polygons of 128 m, far from one another, as the panel's area."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:32633", "zones", "memory")
    for corner in (0, 384):
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(corner, corner, corner + 128, corner + 128)))
        layer.dataProvider().addFeature(feature)
    layer.updateExtents()
    QgsProject.instance().addMapLayer(layer)
    dock.form.area.mode.setCurrentIndex(3)
    dock.form.area.layer_box.setLayer(layer)
    dock.form.rows.widgets["resolution"].kind.setCurrentIndex(1)  # tiles of 128 m
    return layer


def test_a_polygon_layers_tiles_are_reckoned_from_its_extent_without_reading_it(dock, zones, engine, monkeypatch):
    engine()
    read = []
    monkeypatch.setattr(area, "polygons_of", lambda source: read.append(threading.current_thread()) or areas.polygons_of(source))
    dock.update_estimate()
    assert "At most 16 tiles at 0.5 m per pixel" in dock.form.estimate.text()
    zones.selectByIds([2])
    dock.form.area.selected_only.setChecked(True)
    dock.update_estimate()
    assert "At most 1 tiles" in dock.form.estimate.text()
    monkeypatch.setattr(area, "FEW_SELECTED", 0)  # then the extent stands for the selection
    dock.update_estimate()
    assert "At most 16 tiles" in dock.form.estimate.text()
    assert read == []


def test_polygons_are_read_and_written_in_the_runs_own_thread(dock, zones, engine, monkeypatch):
    engine()
    threads, source = [], areas.polygons_of

    def watched(found):
        for polygon in source(found):
            threads.append(threading.current_thread())
            yield polygon

    monkeypatch.setattr(area, "polygons_of", watched)
    dock.start()
    wait_until(lambda: dock.run is None)
    assert len(threads) == 2 and threading.main_thread() not in threads
    assert not dock.message.text().startswith("the area"), dock.message.text()


def test_polygons_without_a_shape_are_said(dock, zones, engine):
    engine()
    zones.dataProvider().changeGeometryValues({2: QgsGeometry()})
    zones.selectByIds([2])
    dock.form.area.selected_only.setChecked(True)
    dock.start()
    assert "no selected polygon in zones" in dock.message.text()


def test_a_cancelled_area_leaves_no_part_of_a_file(zones, tmp_path):
    polygons = areas.polygons_of(QgsVectorLayerFeatureSource(zones))
    written = areas.AreaFile(polygons, zones.crs(), "zones", str(tmp_path), QgsProcessingContext())
    asked = []
    with pytest.raises(Cancelled):
        written.write(lambda: asked.append(1) or len(asked) > 1)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("area") or path.is_dir()]


def test_no_estimate_while_a_run_is_at_work(dock, engine, monkeypatch):
    engine("slow")
    asked = []
    monkeypatch.setattr(dock_module, "estimate", lambda form: asked.append(dock.run) or estimate(form))
    dock.start()
    wait_until(lambda: len(dock.results.model.tiles) > 0)  # the run's own layer is in the project
    dock.update_estimate()
    assert asked == []
    dock.cancel()
    wait_until(lambda: dock.run is None)
    assert asked == [None]


def test_sizes_that_make_no_sense_are_warned_about(dock, fine_pair, tmp_path, monkeypatch):
    dock.update_estimate()  # 64 pixels of 8 m
    assert "⚠ The common area has 64 × 64 pixels, less than a tile of 256: the rest of its tiles is empty." in dock.form.estimate.text()
    other = QgsRasterLayer(write_raster(tmp_path / "other.tif", size=2048, origin=(0.0, 1024.0), pixel=0.5), "other")
    QgsProject.instance().addMapLayer(other)
    dock.form.before.setLayer(fine_pair)
    dock.form.after.setLayer(other)
    dock.form.rows.widgets["overlap_px"].setValue(251)  # tiles begin every 5 pixels
    dock.update_estimate()
    assert "About 168100 tiles" in dock.form.estimate.text()
    assert "⚠ So many tiles need about 67 MB of disk space. For areas this large, use the command line" in dock.form.estimate.text()
    dock.form.rows.widgets["overlap_px"].setValue(0)
    dock.update_estimate()
    assert "⚠" not in dock.form.estimate.text()


def test_no_resampling_is_offered_where_it_helps_nothing(dock):
    dock.update_estimate()  # 8 m per pixel
    assert dock.form.resample.isHidden()
    assert "At 8 m per pixel the before layer lacks the detail that the model needs" in dock.form.estimate.text()


def add(tmp_path, *names):
    layers = [QgsRasterLayer(write_raster(tmp_path / f"{name}.tif"), name) for name in names]
    QgsProject.instance().addMapLayers(layers)
    return layers


def test_the_dates_of_the_layers_choose_before_and_after(plugin, tmp_path):
    dock = plugin.dock
    add(tmp_path, "city_2023-06-01", "city_2018-05-03")
    dock.update_estimate()
    assert [layer.name() for layer in dock.form.layers()] == ["city_2018-05-03", "city_2023-06-01"]
    dock.update_estimate()
    assert "From 2018-05-03 to 2023-06-01." in dock.form.estimate.text()


def test_what_somebody_has_chosen_stays(dock, pair, tmp_path):
    add(tmp_path, "city_2010", "city_2023")
    dock.update_estimate()
    assert dock.form.layers() == tuple(pair)


def test_swapped_dates_are_warned_about(plugin, tmp_path):
    form = plugin.dock.form
    late, early = add(tmp_path, "city_2023-06-01", "city_2018")
    form.before.setLayer(late)
    form.after.setLayer(early)
    plugin.dock.update_estimate()
    assert "⚠ Before (2023-06-01) is later than after (2018): ⇅ swaps them." in form.estimate.text()
    form.swap_button.click()
    plugin.dock.update_estimate()
    assert "is later than" not in form.estimate.text()


@pytest.fixture
def online(dock, server, plugin):
    """The panel with an online layer as one of its dates; a function that sets the dates and gives the click tool."""
    layer = QgsRasterLayer(f"type=xyz&url={server[0]}/xyz/%7Bz%7D/%7Bx%7D/%7By%7D.png&zmax=17&zmin=0", "online", "wms")
    QgsProject.instance().addMapLayer(layer)

    def choose(before, after):
        dock.form.before.setLayer(before or layer)
        dock.form.after.setLayer(after or layer)
        canvas = plugin.iface.mapCanvas()
        canvas.setMapTool(plugin.tool)
        return plugin.tool

    return choose


@pytest.fixture
def fine_pair(tmp_path):
    """A raster of 2048 × 2048 pixels of 0.5 m, so that a tile is a small part of it."""
    layer = QgsRasterLayer(write_raster(tmp_path / "big.tif", size=2048, origin=(0.0, 1024.0), pixel=0.5), "big")
    QgsProject.instance().addMapLayer(layer)
    return layer


def click(tool, x, y):
    tool.ask(QgsPointXY(x, y))
    wait_until(lambda: tool.task is None)
    return tool.bubble.text.text()


def test_a_click_fetches_its_tile_of_an_online_after_layer(online, fine_pair, engine, asked):
    engine()
    tool = online(fine_pair, None)
    assert click(tool, 300.0, 700.0) == "a row of houses is built along the road", tool.bubble.detail.text()
    (message,) = asked("caption_at")
    assert message["request"]["before"].endswith("big.tif")
    fetched = gdal.Open(message["request"]["after"])
    left, size, _, top, _, _ = fetched.GetGeoTransform()
    assert fetched.RasterXSize < 1024, "more than the tile was fetched"
    # The tile of the before raster that holds the point: columns 512 to 768, rows 512 to 768 of 0.5 m, all of it.
    assert fetched.RasterXSize * fetched.RasterYSize > 256 * 256
    assert click(tool, 305.0, 705.0) == "a row of houses is built along the road"


def test_a_click_on_an_online_before_layer_makes_a_tile_around_the_point(online, fine_pair, engine, asked):
    engine()
    tool = online(None, fine_pair)
    assert click(tool, 300.0, 700.0) == "a row of houses is built along the road", tool.bubble.detail.text()
    (message,) = asked("caption_at")
    fetched = gdal.Open(message["request"]["before"])
    assert 240 <= fetched.RasterXSize <= 260
    assert 240 <= fetched.RasterYSize <= 260
    left, size, _, top, _, _ = fetched.GetGeoTransform()
    assert left < message["x"] < left + size * fetched.RasterXSize


def test_a_click_off_the_layers_is_said(online, fine_pair, engine):
    engine()
    tool = online(None, fine_pair)
    assert click(tool, 90_000.0, 700.0) == "No caption"
    assert "outside big" in tool.bubble.detail.text()
