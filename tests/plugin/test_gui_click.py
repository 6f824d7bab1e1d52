"""The click tool: bubble, outline, cache, errors."""

import json
import os

import pytest
from gui_window import wait_until
from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsPointXY, QgsProject, QgsRectangle
from qgis.PyQt.QtCore import QEvent, Qt
from qgis.PyQt.QtGui import QKeyEvent

INSIDE = QgsPointXY(60, 450)  # in the fake worker's first tile


@pytest.fixture
def tool(plugin, pair):
    plugin.dock.form.before.setLayer(pair[0])
    plugin.dock.form.after.setLayer(pair[1])
    canvas = plugin.iface.mapCanvas()
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
    canvas.setExtent(QgsRectangle(0, 0, 512, 512))
    canvas.setMapTool(plugin.tool)
    return plugin.tool


def asked(tmp_path):
    return [message for message in map(json.loads, (tmp_path / "fake_worker.jsonl").read_text().splitlines()) if message["type"] == "caption_at"]


def test_a_click_shows_outline_and_caption(tool, engine, tmp_path):
    engine()
    tool.ask(INSIDE)
    assert tool.bubble.text.text() == "Captioning…"
    wait_until(lambda: tool.task is None)
    assert tool.bubble.text.text() == "a row of houses is built along the road"
    assert "+ building; road" in tool.bubble.detail.text()
    assert not tool.bubble.isHidden()
    assert tool.outline.asGeometry().boundingBox() == QgsRectangle(0, 384, 128, 512)
    assert (asked(tmp_path)[0]["x"], asked(tmp_path)[0]["y"]) == (60, 450)


def test_a_second_click_in_the_tile_is_answered_at_once(tool, engine, tmp_path):
    engine()
    tool.ask(INSIDE)
    wait_until(lambda: tool.task is None)
    tool.ask(QgsPointXY(100, 400))
    assert tool.task is None
    assert tool.bubble.text.text() == "a row of houses is built along the road"
    assert len(asked(tmp_path)) == 1


def test_another_request_is_asked_anew(tool, engine, plugin, tmp_path):
    engine()
    tool.ask(INSIDE)
    wait_until(lambda: tool.task is None)
    plugin.dock.form.rows.widgets["threshold"].setValue(0.9)
    tool.ask(INSIDE)
    wait_until(lambda: tool.task is None)
    assert len(asked(tmp_path)) == 2


def test_what_counts_as_no_data_is_asked_anew(tool, engine, plugin, tmp_path):
    """A tile may be skipped for it."""
    engine()
    tool.ask(INSIDE)
    wait_until(lambda: tool.task is None)
    plugin.dock.form.rows.widgets["max_nodata"].set_value(1.0)
    tool.ask(INSIDE)
    wait_until(lambda: tool.task is None)
    assert [message["request"]["max_nodata"] for message in asked(tmp_path)] == [0.5, 1.0]


def test_a_raster_that_was_written_anew_is_asked_anew(tool, engine, pair, tmp_path):
    engine()
    tool.ask(INSIDE)
    wait_until(lambda: tool.task is None)
    state = os.stat(pair[1].source())
    os.utime(pair[1].source(), ns=(state.st_atime_ns, state.st_mtime_ns + 1_000_000_000))
    tool.ask(INSIDE)
    wait_until(lambda: tool.task is None)
    assert len(asked(tmp_path)) == 2


def test_a_click_during_a_run_says_that_it_waits(tool, engine, plugin, tmp_path):
    engine("slow")
    dock = plugin.dock
    dock.form.output.setFilePath(str(tmp_path / "out.gpkg"))
    dock.start()
    wait_until(lambda: len(dock.results.model.tiles) > 0)
    tool.ask(INSIDE)
    assert tool.bubble.text.text() == "Captioning…"
    assert "A run is in progress. This starts when it finishes." in tool.bubble.detail.text()
    dock.cancel()
    wait_until(lambda: dock.run is None and tool.task is None)
    assert tool.bubble.text.text() == "a row of houses is built along the road"
    tool.clear()
    tool.cache = type(tool.cache)()
    tool.ask(INSIDE)
    assert tool.bubble.detail.text() == ""
    wait_until(lambda: tool.task is None)


def test_the_point_is_sent_in_the_before_rasters_crs(tool, engine, plugin, tmp_path):
    engine()
    canvas, utm = plugin.iface.mapCanvas(), QgsCoordinateReferenceSystem("EPSG:32633")
    mercator = QgsCoordinateReferenceSystem("EPSG:3857")
    canvas.setDestinationCrs(mercator)
    tool.ask(QgsCoordinateTransform(utm, mercator, QgsProject.instance()).transform(INSIDE))
    wait_until(lambda: tool.task is None)
    assert asked(tmp_path)[0]["x"] == pytest.approx(60, abs=0.01)
    assert asked(tmp_path)[0]["y"] == pytest.approx(450, abs=0.01)


def test_escape_clears(tool, engine):
    engine()
    tool.ask(INSIDE)
    wait_until(lambda: tool.task is None)
    tool.keyPressEvent(QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier))
    assert tool.bubble.isHidden()
    assert tool.outline.asGeometry().isEmpty()


def test_an_error_is_said_in_the_bubble(tool, engine):
    engine("crash_at_start")
    tool.ask(INSIDE)
    wait_until(lambda: tool.task is None)
    assert tool.bubble.text.text() == "No caption"
    assert "No module named 'torch'" in tool.bubble.detail.text()


def test_without_layers_it_says_what_to_do(plugin, engine):
    engine()
    plugin.tool.ask(INSIDE)
    assert "no before layer. Needed: a raster layer for each date" in plugin.tool.bubble.detail.text()


def test_the_bubble_follows_the_map(tool, engine, plugin):
    engine()
    canvas = plugin.iface.mapCanvas()
    tool.bubble.say(QgsPointXY(256, 100), "x")
    before = tool.bubble.geometry()
    canvas.setExtent(QgsRectangle(0, -50, 512, 462))
    assert tool.bubble.geometry().y() < before.y()


def test_markup_in_a_caption_is_shown_as_text(tool):
    tool.bubble.say(INSIDE, "<b>bold</b>")
    assert tool.bubble.text.textFormat() == Qt.TextFormat.PlainText
