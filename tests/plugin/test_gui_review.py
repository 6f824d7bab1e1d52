"""Correcting captions in the panel: the edits live in the layer, undo works, saving writes the GeoPackage."""

import pytest
from gui_window import wait_until
from qgis.core import QgsFeature, QgsGeometry, QgsProject, QgsRectangle, QgsVectorFileWriter, QgsVectorLayer
from qgis.PyQt.QtCore import NULL, QCoreApplication, Qt
from qgis.PyQt.QtTest import QTest

from helpers import run


@pytest.fixture
def dock(plugin, pair, tmp_path):
    plugin.dock.form.before.setLayer(pair[0])
    plugin.dock.form.after.setLayer(pair[1])
    plugin.dock.show()
    return plugin.dock


@pytest.fixture
def layer(dock, rasters, tmp_path):
    """The fake worker's 16 tiles (4 changed) in a GeoPackage, listed in the panel."""
    path = str(tmp_path / "changes.gpkg")
    run({"BEFORE": rasters["before"], "AFTER": rasters["after"], "OUTPUT": path})
    made = QgsVectorLayer(path, "changes", "ogr")
    list_layer(dock, made)
    return made


def list_layer(dock, layer):
    QgsProject.instance().addMapLayer(layer)
    dock._iface.setActiveLayer(layer)
    dock.list_active_layer()
    assert len(dock.results.model.tiles) == 16, dock.message.text()


def choose(dock, tile_id):
    tile = next(tile for tile in dock.results.model.tiles if tile["properties"]["tile_id"] == tile_id)
    dock.show_tile(tile)
    return dock.review


def row(layer, tile_id):
    feature = next(f for f in layer.getFeatures() if f["tile_id"] == tile_id)
    return {name: None if feature[name] == NULL else feature[name] for name in layer.fields().names()}


def shown(dock, tile_id):
    """What the list says of a tile, whether or not it is among those that are shown."""
    from changescribe.qgis_plugin.gui.results.tiles import caption_text

    return caption_text(next(tile["properties"] for tile in dock.results.model.tiles if tile["properties"]["tile_id"] == tile_id))


def test_a_corrected_caption_is_an_edit_of_the_layer(dock, layer):
    bar = choose(dock, "r00000_c00000")
    bar.caption.setText("a shed is   built")
    QTest.keyClick(bar.caption, Qt.Key.Key_Return)
    values = row(layer, "r00000_c00000")
    assert (values["edited_caption"], values["review"], values["changed"]) == ("a shed is built", "wrong", True)
    assert values["caption"] == "a row of houses is built along the road"  # what the model said stays
    assert layer.isModified() and bar.save.isEnabled()
    assert dock.compare.caption.text().startswith("a shed is built")
    assert shown(dock, "r00000_c00000") == "a shed is built ✎"


def test_nothing_is_written_before_it_is_saved(dock, layer):
    choose(dock, "r00000_c00000").right.click()
    stored = QgsVectorLayer(layer.source(), "again", "ogr")
    assert row(stored, "r00000_c00000")["review"] is None
    dock.review.save.click()
    assert dock.message.text() == "Edits saved." and not layer.isModified()
    assert row(QgsVectorLayer(layer.source(), "again", "ogr"), "r00000_c00000")["review"] == "right"


def test_undo_takes_back_one_tile_at_a_time(dock, layer):
    choose(dock, "r00000_c00000").same.click()
    values = row(layer, "r00000_c00000")
    assert (values["changed"], values["edited_caption"], values["added"]) == (False, "the scene is the same as before", None)
    choose(dock, "r00001_c00000").wrong.click()
    dock.review.undo.click()
    assert row(layer, "r00001_c00000")["review"] is None and not dock.review.wrong.isChecked()
    dock.review.undo.click()
    values = row(layer, "r00000_c00000")
    assert (values["changed"], values["edited_caption"], values["added"]) == (True, None, "building; road")
    assert shown(dock, "r00000_c00000") == "a row of houses is built along the road"
    assert not dock.review.undo.isEnabled()


def test_discarded_edits_leave_the_list_as_the_layer_is(dock, layer):
    choose(dock, "r00000_c00000").wrong.click()
    assert shown(dock, "r00000_c00000").endswith("✗")
    layer.rollBack()
    wait_until(lambda: shown(dock, "r00000_c00000") == "a row of houses is built along the road")
    assert not dock.review.wrong.isChecked()


def test_classes_are_marked(dock, layer):
    bar = choose(dock, "r00000_c00000")
    actions = {action.text(): action for action in bar.menus["added"].menu().actions()}
    assert [name for name, action in actions.items() if action.isChecked()] == ["building", "road"]
    actions["road"].trigger()
    actions["water"].trigger()
    values = row(layer, "r00000_c00000")
    assert (values["added"], values["review"]) == ("building; water", "right")


def test_a_second_press_takes_the_verdict_back(dock, layer):
    bar = choose(dock, "r00000_c00000")
    bar.right.click()
    bar.right.click()
    assert row(layer, "r00000_c00000")["review"] is None
    bar.right.click()
    bar.wrong.click()
    assert row(layer, "r00000_c00000")["review"] == "wrong" and not bar.right.isChecked()


def test_the_models_own_caption_is_no_correction(dock, layer):
    bar = choose(dock, "r00000_c00000")
    own = bar.caption.text()
    bar.caption.setText("a shed")
    QTest.keyClick(bar.caption, Qt.Key.Key_Return)
    bar.caption.setText(own)
    QTest.keyClick(bar.caption, Qt.Key.Key_Return)
    values = row(layer, "r00000_c00000")
    assert (values["edited_caption"], values["review"]) == (None, None)


def test_edits_in_the_layers_own_form_show_in_the_list(dock, layer):
    choose(dock, "r00000_c00000")
    layer.startEditing()
    fid = next(f.id() for f in layer.getFeatures() if f["tile_id"] == "r00000_c00000")
    layer.changeAttributeValue(fid, layer.fields().indexOf("edited_caption"), "typed elsewhere")
    wait_until(lambda: shown(dock, "r00000_c00000") == "typed elsewhere ✎")
    assert dock.review.caption.text() == "typed elsewhere"


def test_a_thousand_edits_at_once_do_not_stop_the_interface(dock, layer):
    """As the field calculator makes them, and as they are discarded."""
    tiles = [fill(layer, i) for i in range(1000)]
    dock.results.model.clear()
    layer.dataProvider().addFeatures(tiles)
    dock.list_active_layer()
    wait_until(lambda: len(dock.results.model.tiles) == 1016)
    index, fids, served = layer.fields().indexOf("changed"), [feature.id() for feature in layer.getFeatures()], []
    layer.startEditing()
    dock.review.review.changed.connect(lambda tile_id, _values: served.append(tile_id))
    for rows, act in ((1016, lambda: [layer.changeAttributeValue(fid, index, True) for fid in fids]), (4, layer.rollBack)):
        served.clear()
        act()
        assert served == []  # nothing is done in the edits' own time
        QCoreApplication.processEvents()
        assert 0 < len(served) < 1000  # nor all at once
        wait_until(lambda rows=rows: dock.results.model.rowCount() == rows)


def fill(layer, i):
    """Another unchanged tile."""
    feature = QgsFeature(layer.fields())
    feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(0, 0, 1, 1)))
    for name, value in (("tile_id", f"r1{i:04d}_c00000"), ("row", 10000 + i), ("col", 0), ("changed", False), ("status", "unchanged")):
        feature[name] = value
    return feature


def test_layers_of_older_versions_get_the_columns_with_the_first_edit(dock, layer, tmp_path):
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", "change_captions"
    options.attributes = [i for i, name in enumerate(layer.fields().names()) if name not in ("fid", "edited_caption", "review")]
    old = str(tmp_path / "old.gpkg")
    QgsVectorFileWriter.writeAsVectorFormatV3(layer, old, QgsProject.instance().transformContext(), options)
    older = QgsVectorLayer(old, "older", "ogr")
    assert older.fields().indexOf("review") < 0
    list_layer(dock, older)
    choose(dock, "r00000_c00000").wrong.click()
    dock.review.save.click()
    assert row(QgsVectorLayer(old, "again", "ogr"), "r00000_c00000")["review"] == "wrong"


def test_a_layer_that_cannot_be_edited_says_so(dock, layer):
    layer.setReadOnly(True)
    bar = choose(dock, "r00000_c00000")
    bar.caption.setText("a shed")
    QTest.keyClick(bar.caption, Qt.Key.Key_Return)
    assert "could not be edited" in dock.message.text()
    assert bar.caption.text() == "a row of houses is built along the road"


def test_a_removed_layer_ends_the_review(dock, layer):
    bar = choose(dock, "r00000_c00000")
    QgsProject.instance().removeMapLayer(layer.id())
    wait_until(lambda: bar.review is None)
    assert not bar.caption.isEnabled() and "in a file" in bar.toolTip()
