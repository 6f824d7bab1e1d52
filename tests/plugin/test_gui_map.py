"""Results on the map: filters, looks, labels, time, stepping by keyboard."""

import pytest
from gui_window import wait_until
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsVectorFileWriter, QgsVectorLayer
from qgis.PyQt.QtCore import QDate, QDateTime, Qt, QTime
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication

# (changed, caption, corrected caption, score, added, removed)
ROWS = (
    (True, "A house is built", None, 0.9, "building; road", ""),
    (True, "trees are cut down", "100% of the woods' trees", 0.55, "", "vegetation"),
    (True, "a pond appears", "", 0.3, "water", "bareland"),
    (False, "the scene is the same as before", None, 0.05, "", ""),
    (None, None, None, None, None, None),
)


def made_layer():
    from changescribe.qgis_plugin.gui.run.caption_run import live_layer
    from changescribe.qgis_plugin.layers.grid_layer import grid_feature

    layer = live_layer(QgsCoordinateReferenceSystem("EPSG:32633"))
    features = []
    for i, (changed, caption, edited, score, added, removed) in enumerate(ROWS):
        properties = {"tile_id": f"r00000_c{i:05d}", "changed": changed, "caption": caption, "edited_caption": edited, "change_score": score}
        properties.update(added=added, removed=removed, altered="", status="captioned" if changed else "unchanged")
        ring = [[i, 0], [i + 1, 0], [i + 1, 1], [i, 1], [i, 0]]
        features.append(grid_feature(layer.fields(), {"properties": properties, "footprint": ring}))
    layer.dataProvider().addFeatures(features)
    return layer


def written(layer, path, driver):
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = driver, "change_captions"
    assert QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), QgsProject.instance().transformContext(), options)[0] == 0
    return QgsVectorLayer(str(path), path.stem, "ogr")


@pytest.fixture(params=["memory", "gpkg"])
def layer(request, dock, tmp_path, monkeypatch):
    """A listed layer of captions."""
    from changescribe.qgis_plugin.layers.grid_layer import save_style

    made = made_layer()
    if request.param == "gpkg":
        made = written(made, tmp_path / "listed.gpkg", "GPKG")
        save_style(made)
    QgsProject.instance().addMapLayer(made)
    monkeypatch.setattr(dock._iface._iface, "activeLayer", lambda: made)
    dock.list_active_layer()
    return made


def listed(dock):
    model = dock.results.model
    return {model.index(row, 3).data() for row in range(model.rowCount())}


def on_map(layer):
    return {feature["tile_id"] for feature in layer.getFeatures()}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {0, 1, 2}),
        ({"changed_only": False}, {0, 1, 2, 3, 4}),
        ({"class_name": "vegetation"}, {1}),
        ({"class_name": "road"}, {0}),
        ({"min_score": 0.5}, {0, 1}),
        ({"changed_only": False, "min_score": 0.05}, {0, 1, 2, 3}),
        ({"search": "HOUSE"}, {0}),
        ({"search": "woods' 100%"}, {1}),
        ({"search": "cut"}, set()),  # corrected
        ({"search": "pond water"}, {2}),
        ({"search": "c00004", "changed_only": False}, {4}),
        ({"search": "trees", "class_name": "water"}, set()),
    ],
)
def test_the_map_shows_what_the_list_shows(dock, layer, query, expected):
    results = dock.results
    dock.look.filtered.setChecked(True)
    results.changed_only.setChecked(query.get("changed_only", True))
    results.class_box.setCurrentIndex(results.class_box.findData(query.get("class_name", "")))
    results.min_score.setValue(query.get("min_score", 0.0))
    results.search.setText(query.get("search", ""))
    assert listed(dock) == on_map(layer) == {f"r00000_c{i:05d}" for i in expected}
    dock.look.filtered.setChecked(False)
    assert len(on_map(layer)) == len(ROWS)


def test_a_filter_of_ones_own_stays(dock, tmp_path, monkeypatch):
    layer = written(made_layer(), tmp_path / "own.gpkg", "GPKG")
    layer.setSubsetString("\"tile_id\" <> 'r00000_c00000'")
    QgsProject.instance().addMapLayer(layer)
    monkeypatch.setattr(dock._iface._iface, "activeLayer", lambda: layer)
    dock.list_active_layer()
    dock.look.filtered.setChecked(True)
    assert on_map(layer) == {"r00000_c00001", "r00000_c00002"}
    dock._work_on(None)
    assert layer.subsetString() == "\"tile_id\" <> 'r00000_c00000'"


def test_what_the_map_hides_is_listed(dock, layer):
    """'Only listed' is on before the layer is listed."""
    dock.look.filtered.setChecked(True)
    dock.list_active_layer()
    assert listed(dock) == on_map(layer) == {f"r00000_c{i:05d}" for i in range(3)}
    dock.results.changed_only.setChecked(False)
    assert listed(dock) == on_map(layer) == {f"r00000_c{i:05d}" for i in range(len(ROWS))}


def test_a_layer_is_read_whole_before_it_is_filtered(dock, layer, monkeypatch):
    """Also where reading takes several pieces and the list is narrowed meanwhile."""
    monkeypatch.setattr("changescribe.qgis_plugin.gui.results.tile_reader.PIECE", 1)
    dock.look.filtered.setChecked(True)
    dock.list_active_layer()
    dock.results.search.setText("pond")
    assert len(on_map(layer)) == len(ROWS)
    wait_until(lambda: len(dock.results.model.tiles) == len(ROWS) and len(on_map(layer)) == 1)
    assert listed(dock) == on_map(layer) == {"r00000_c00002"}


OWN = "\"tile_id\" <> 'r00000_c00000'"


@pytest.mark.parametrize("own", ["", OWN])
def test_a_saved_project_gets_the_hidden_tiles_back(dock, tmp_path, monkeypatch, own):
    layer = written(made_layer(), tmp_path / "kept.gpkg", "GPKG")
    layer.setSubsetString(own)
    project = QgsProject.instance()
    project.addMapLayer(layer)
    monkeypatch.setattr(dock._iface._iface, "activeLayer", lambda: layer)
    dock.list_active_layer()
    dock.look.filtered.setChecked(True)
    whole = len(ROWS) - bool(own)
    assert len(on_map(layer)) == 3 - bool(own)
    assert project.write(str(tmp_path / "map.qgs"))
    project.clear()
    assert project.read(str(tmp_path / "map.qgs"))
    (again,) = project.mapLayersByName("kept")
    assert again.subsetString() == own and len(on_map(again)) == whole
    monkeypatch.setattr(dock._iface._iface, "activeLayer", lambda: again)
    dock.list_active_layer()
    assert len(dock.results.model.tiles) == whole and len(on_map(again)) == 3 - bool(own)
    dock.look.filtered.setChecked(False)
    assert again.subsetString() == own


def test_a_layer_that_was_saved_filtered_is_listed_whole(dock, tmp_path, monkeypatch):
    """Also where the plugin was loaded after the project, and saw no layer come."""
    from changescribe.qgis_plugin.layers.layer_file import OWN_SUBSET

    layer = written(made_layer(), tmp_path / "kept.gpkg", "GPKG")
    layer.setSubsetString(f'({OWN}) AND ("changed" = true)')
    layer.setCustomProperty(OWN_SUBSET, OWN)
    monkeypatch.setattr(dock._iface._iface, "activeLayer", lambda: layer)
    dock.list_active_layer()
    assert len(dock.results.model.tiles) == len(on_map(layer)) == len(ROWS) - 1
    assert layer.subsetString() == OWN


def test_reports_take_what_the_map_hides(dock, layer, tmp_path):
    """The layer with its own filter, without what 'Only listed' adds."""
    from changescribe.qgis_plugin.gui.run.request import processing_context
    from changescribe.qgis_plugin.layers.layer_file import layer_file

    for own in ("", OWN):
        dock._work_on(None)
        layer.setSubsetString(own)
        dock._work_on(layer)
        dock.look.filtered.setChecked(True)
        assert len(on_map(layer)) == 3 - bool(own)
        folder = tmp_path / f"copy{bool(own)}"
        folder.mkdir()
        taken = QgsVectorLayer(layer_file(layer, str(folder), processing_context()), "taken", "ogr")
        assert len(on_map(taken)) == len(ROWS) - bool(own)
        assert len(on_map(layer)) == 3 - bool(own)
        dock.look.filtered.setChecked(False)


def test_the_filter_is_refused_with_a_reason_while_the_layer_is_edited(dock, layer):
    layer.startEditing()
    dock.look.filtered.setChecked(True)
    assert "save the edits first" in dock.message.text()
    assert len(on_map(layer)) == len(ROWS)
    layer.rollBack()


def test_a_format_without_such_filters_is_said(dock, tmp_path, monkeypatch):
    layer = written(made_layer(), tmp_path / "listed.geojson", "GeoJSON")
    monkeypatch.setattr(dock._iface._iface, "activeLayer", lambda: layer)
    dock.list_active_layer()
    dock.look.filtered.setChecked(True)
    assert "export it to a GeoPackage" in dock.message.text()


def test_looks_change_the_layer_and_leave_its_labels(dock, layer):
    from changescribe.qgis_plugin.gui.map.map_look import BY_CLASS, BY_SCORE

    dock.look.preset.setCurrentIndex(BY_SCORE)
    renderer = layer.renderer()
    assert (renderer.type(), renderer.classAttribute()) == ("graduatedSymbol", "change_score")
    assert [round(part.upperValue(), 1) for part in renderer.ranges()] == [0.1, 0.3, 0.5, 0.7, 0.9, 1.0]
    labels = layer.labelsEnabled()
    dock.look.labels.setChecked(not labels)
    assert layer.labelsEnabled() != labels
    dock.look.preset.setCurrentIndex(BY_CLASS)
    assert layer.renderer().type() == "categorizedSymbol"
    assert layer.labelsEnabled() != labels


def test_a_layer_without_labels_gets_them(dock, tmp_path, monkeypatch):
    bare = written(made_layer(), tmp_path / "bare.gpkg", "GPKG")
    monkeypatch.setattr(dock._iface._iface, "activeLayer", lambda: bare)
    dock.list_active_layer()
    assert not dock.look.labels.isChecked()
    dock.look.labels.setChecked(True)
    assert bare.labelsEnabled()
    assert "edited_caption" in bare.labeling().settings().fieldName


def test_a_listed_layers_own_look_is_taken_over(dock, layer):
    from changescribe.qgis_plugin.gui.assets import SCORE_STYLE
    from changescribe.qgis_plugin.gui.map.map_look import BY_SCORE

    layer.loadNamedStyle(str(SCORE_STYLE), True)
    layer.setLabelsEnabled(False)
    dock.list_active_layer()
    assert dock.look.preset.currentIndex() == BY_SCORE
    assert not dock.look.labels.isChecked()
    assert layer.renderer().type() == "graduatedSymbol"


def run_to_end(dock):
    dock.start()
    assert dock.run is not None, dock.message.text()
    wait_until(lambda: dock.run is None)
    (layer,) = [layer for layer in QgsProject.instance().mapLayers().values() if isinstance(layer, QgsVectorLayer)]
    return layer


def test_the_chosen_look_holds_for_a_new_run(dock, engine):
    engine()
    dock.look.preset.setCurrentIndex(1)
    dock.look.labels.setChecked(False)
    layer = run_to_end(dock)
    assert layer.renderer().type() == "graduatedSymbol"
    assert not layer.labelsEnabled()


def test_a_result_lies_between_its_two_dates(dock, engine, pair):
    engine()
    pair[0].setName("city 2018-05-03")
    pair[1].setName("city 2021")
    temporal = run_to_end(dock).temporalProperties()
    assert temporal.isActive()
    span = temporal.fixedTemporalRange()
    assert (span.begin(), span.end()) == (QDateTime(QDate(2018, 5, 3), QTime(0, 0)), QDateTime(QDate(2021, 12, 31), QTime(23, 59, 59)))


def test_without_dates_a_result_has_no_time(dock, engine):
    engine()
    assert not run_to_end(dock).temporalProperties().isActive()


def test_the_time_is_kept_in_the_file(qgis_app, tmp_path):
    from changescribe.qgis_plugin.layers.dates import period_in, time_between
    from changescribe.qgis_plugin.layers.grid_layer import save_style

    stored = written(made_layer(), tmp_path / "timed.gpkg", "GPKG")
    save_style(stored, time_between(period_in("2018"), period_in("2021")))
    assert stored.temporalProperties().isActive()
    again = QgsVectorLayer(str(tmp_path / "timed.gpkg"), "again", "ogr")
    again.loadDefaultStyle()  # QGIS 3.22 forgets a style's time again when it opens a file, and keeps a project's
    assert again.temporalProperties().isActive()
    assert again.temporalProperties().fixedTemporalRange().begin().date().year() == 2018
    assert again.renderer().type() == "categorizedSymbol"


def test_next_and_previous_by_keyboard_from_anywhere(dock, engine, plugin):
    engine()
    run_to_end(dock)
    dock.hide()
    main = plugin.iface.mainWindow()
    main.show()
    try:
        QApplication.setActiveWindow(main)  # offscreen there is no window manager to ask
        wait_until(main.isActiveWindow)
        canvas = plugin.iface.mapCanvas()
        chosen = []
        dock.results.chosen.connect(lambda tile: chosen.append(tile["properties"]["tile_id"]))
        for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left):
            QTest.keyClick(main, key, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        assert len(chosen) == 3
        assert chosen[0] == chosen[2] != chosen[1]
        assert canvas.extent().height() < 200
    finally:
        main.hide()


def test_stepping_without_a_list_says_so(plugin, monkeypatch):
    said = []
    monkeypatch.setattr(plugin.iface.messageBar(), "pushInfo", lambda title, text: said.append(text), raising=False)
    action = next(action for action in plugin.actions if action.objectName() == "changescribeNext")
    action.trigger()
    assert "No tiles are listed" in said[0]
