"""A question in the panel and the toolbox: only for models that answer, in the request, in the answer's field and beside a click's caption."""

import json

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsProject,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import QCoreApplication, Qt
from qgis.PyQt.QtWidgets import QLineEdit


@pytest.fixture(autouse=True)
def registry(tmp_path, monkeypatch):
    """A registry of two models, of which ccexpert answers questions."""
    from changescribe.qgis_plugin.layers import models

    rows = [
        {"id": "ccexpert", "file": "ccexpert.safetensors", "questions": True, "gsd_m": 0.5},
        {"id": "scribe-s", "file": "scribe.safetensors", "gsd_m": 0.5},
    ]
    resources = tmp_path / "resources"
    (resources / "weights").mkdir(parents=True)
    (resources / "models.json").write_text(json.dumps({"models": rows}))
    for row in rows:
        (resources / "weights" / row["file"]).write_text("")
    monkeypatch.setattr(models, "RESOURCES", resources)


def test_the_panel_asks_only_models_that_answer(plugin):
    form = plugin.dock.form
    form.rows.widgets["question"].setText(" is there water? ")
    assert form.rows.widgets["question"].isHidden() and form.options()["question"] is None
    form.rows.widgets["model"].setCurrentIndex(form.rows.widgets["model"].findData("ccexpert"))
    assert not form.rows.widgets["question"].isHidden() and form.options()["question"] == "is there water?"
    form.rows.widgets["question"].setText("  ")
    assert form.options()["question"] is None


def test_the_toolbox_puts_the_question_into_the_request_and_the_answer_into_a_field(qgis_processing):
    from changescribe.qgis_plugin.layers.grid_layer import grid_feature, grid_fields
    from changescribe.qgis_plugin.processing.caption_changes import CaptionChanges
    from qgis.core import QgsProcessingContext

    algorithm = CaptionChanges()
    algorithm.initAlgorithm()
    context = QgsProcessingContext()
    assert algorithm.engine_options({"QUESTION": " is there water? "}, context)["question"] == "is there water?"
    assert "question" not in algorithm.engine_options({"QUESTION": ""}, context)
    fields = grid_fields(asked=True)
    tile = {"properties": {"caption": "a house is built", "answer": "yes"}, "footprint": [[0, 0], [1, 0], [1, 1], [0, 0]]}
    assert grid_feature(fields, tile)["answer"] == "yes"
    assert set(fields.names()) - set(grid_fields().names()) == {"answer"}


def test_a_click_shows_the_answer_above_the_classes(qgis_processing):
    from changescribe.qgis_plugin.gui.map.click_tool import bubble_detail

    shown = bubble_detail({"answer": "they are gone", "added": "road", "removed": "", "altered": "", "change_score": None})
    assert shown.splitlines()[0] == "they are gone" and "road" in shown
    assert "they" not in bubble_detail({"added": "road", "removed": "", "altered": "", "change_score": None})


def test_answers_of_a_reopened_layer_reach_list_and_review(plugin, tmp_path):
    from changescribe.qgis_plugin.gui.results.tiles import TileQuery
    from changescribe.qgis_plugin.layers.grid_layer import grid_feature, grid_fields

    fields = grid_fields(asked=True)
    path = str(tmp_path / "asked.gpkg")
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", "change_captions"
    kind, crs = QgsWkbTypes.Type.Polygon, QgsCoordinateReferenceSystem("EPSG:32633")
    writer = QgsVectorFileWriter.create(path, fields, kind, crs, QgsCoordinateTransformContext(), options)
    for number, answer in enumerate(("<b>a pond</b> was dug", None)):
        properties = {"tile_id": f"r0_c{number}", "row": 0, "col": number, "caption": "a house is built", "changed": True, "change_score": 0.9}
        shape = [[number, 0], [number + 1, 0], [number + 1, 1], [number, 0]]
        writer.addFeature(grid_feature(fields, {"properties": {**properties, "answer": answer, "status": "captioned"}, "footprint": shape}))
    del writer
    layer = QgsProject.instance().addMapLayer(QgsVectorLayer(path, "asked", "ogr"))
    dock = plugin.dock
    dock._iface.setActiveLayer(layer)
    dock.list_active_layer()
    model = dock.results.model
    tips = {model.tile(row)["properties"]["tile_id"]: model.index(row, 1).data(Qt.ItemDataRole.ToolTipRole) for row in range(2)}
    assert "Answer: &lt;b&gt;a pond&lt;/b&gt; was dug" in tips["r0_c0"] and "Answer" not in tips["r0_c1"]
    dock.show_tile(model.tile(model.row_of("r0_c0")))
    assert dock.review.answer.text() == "Answer: <b>a pond</b> was dug" and not dock.review.answer.isHidden()
    dock.show_tile(model.tile(model.row_of("r0_c1")))
    assert dock.review.answer.isHidden()
    dock.results.search.setText("pond")  # found by its answer, in the list and in the layer's filter
    assert model.rowCount() == 1
    layer.setSubsetString(TileQuery(words=("pond",)).subset(layer.fields().names()))
    assert [feature["tile_id"] for feature in layer.getFeatures()] == ["r0_c0"]


def test_expanded_options_show_only_what_the_model_takes(plugin):
    """QgsCollapsibleGroupBox shows all its widgets when it is expanded."""
    form = plugin.dock.form
    box = next(box for box in form.findChildren(QgsCollapsibleGroupBox) if form.rows.widgets["question"] in box.findChildren(QLineEdit))
    plugin.dock.show()
    for collapsed in (False, True, False):
        box.setCollapsed(collapsed)
    assert form.rows.widgets["question"].isHidden() and form.rows.widgets["seed"].isVisibleTo(box)


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_form_fits_into_the_narrowest_panel(plugin, language, monkeypatch):
    from changescribe.qgis_plugin import i18n
    from changescribe.qgis_plugin.gui.form.request_form import RequestForm

    monkeypatch.setattr(i18n.QgsApplication, "locale", staticmethod(lambda: language))
    translator = i18n.install_translator()
    try:
        form = RequestForm(plugin.iface.mapCanvas())
    finally:
        if translator is not None:
            QCoreApplication.removeTranslator(translator)
    for box in form.findChildren(QgsCollapsibleGroupBox):
        box.setCollapsed(False)
    form.show()
    QCoreApplication.processEvents()
    narrowest = plugin.dock.widget().minimumWidth() - 40  # less margins and the scroll bar
    assert form.minimumSizeHint().width() <= narrowest
    form.hide()
    form.preview.dispose()
    form.area.dispose()
    form.deleteLater()
