"""The output layer's style on memory and GeoPackage layers."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from qgis.core import (
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRenderContext,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["memory", "gpkg"])
def layer(request, qgis_app, tmp_path):
    from changescribe.qgis_plugin.gui.run.caption_run import live_layer
    from changescribe.qgis_plugin.layers.grid_layer import STYLE
    from qgis.core import QgsCoordinateReferenceSystem

    made = live_layer(QgsCoordinateReferenceSystem("EPSG:32633"))
    if request.param == "memory":
        return made
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", "change_captions"
    assert QgsVectorFileWriter.writeAsVectorFormatV3(made, str(tmp_path / "a.gpkg"), QgsProject.instance().transformContext(), options)[0] == 0
    stored = QgsVectorLayer(str(tmp_path / "a.gpkg"), "a", "ogr")
    stored.loadNamedStyle(str(STYLE))
    return stored


def feature(layer, **values):
    made = QgsFeature(layer.fields())
    made.setGeometry(QgsGeometry.fromWkt("POLYGON((0 0, 128 0, 128 128, 0 128, 0 0))"))
    for name, value in {"tile_id": "r00000_c00000", "status": "captioned", "changed": True, **values}.items():
        made.setAttribute(name, value)
    return made


def context(layer, made):
    found = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    found.setFeature(made)
    return found


def legend(layer, made):
    renderer, render = layer.renderer(), QgsRenderContext()
    render.setExpressionContext(context(layer, made))
    renderer.startRender(render, layer.fields())
    try:
        return [renderer.categories()[int(renderer.categoryIndexForValue(value))].label() for value in [evaluated(layer, made)]][0]
    finally:
        renderer.stopRender(render)


def evaluated(layer, made):
    expression = QgsExpression(layer.renderer().classAttribute())
    value = expression.evaluate(context(layer, made))
    assert not expression.hasEvalError(), expression.evalErrorString()
    return value


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"added": "building; road"}, "Building added"),
        ({"removed": "building", "added": "vegetation"}, "Building removed"),
        ({"added": "parking"}, "Road or parking"),
        ({"altered": "road"}, "Road or parking"),
        ({"removed": "vegetation"}, "Vegetation removed"),
        ({"added": "vegetation"}, "Vegetation added"),
        ({"altered": "water"}, "Water"),
        ({"added": "bareland"}, "Bare land"),
        ({"altered": "other"}, "Other change"),
        ({}, "Other change"),
        ({"changed": False, "status": "unchanged"}, "Unchanged"),
        ({"changed": None, "status": "skipped_nodata"}, "Skipped: too little data"),
        ({"changed": None, "status": "failed"}, "Failed"),
    ],
)
def test_main_class(layer, values, expected):
    assert legend(layer, feature(layer, **values)) == expected


def test_every_class_of_the_schema_has_a_colour(layer):
    from changescribe.engine.contract.tiles import CLASSES

    keys = {category.value() for category in layer.renderer().categories()}
    for name in CLASSES:
        for column in ("added", "removed", "altered"):
            assert evaluated(layer, feature(layer, **{column: name})) in keys


def test_map_tip_escapes_what_a_caption_holds(layer):
    made = feature(layer, caption="<img src=x> & [% 1 + 1 %]", change_score=0.87, score=0.5, added="building")
    text = QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context(layer, made))
    assert "&lt;img src=x&gt; &amp; [% 1 + 1 %]" in text
    assert "<img" not in text
    assert "+ building" in text
    assert "change 87 %" in text


def test_map_tip_of_a_skipped_tile_names_its_status(layer):
    made = feature(layer, caption=None, changed=None, status="skipped_nodata")
    assert "skipped_nodata" in QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context(layer, made))


def test_only_changed_tiles_are_labelled(layer):
    settings = layer.labeling().settings()
    expression = QgsExpression(settings.fieldName)
    assert expression.evaluate(context(layer, feature(layer, caption="a house"))) == "a house"
    assert not expression.evaluate(context(layer, feature(layer, caption="same", changed=False)))


def test_form_and_aliases(layer):
    from changescribe.engine.contract.fields import REVIEW, TILE, fields_of

    editable = {"changed", "added", "removed", "altered", "edited_caption", "review"}
    for name, alias in ((field.name, field.alias) for field in fields_of(TILE, REVIEW)):
        index = layer.fields().indexOf(name)
        assert layer.attributeAlias(index) == alias
        assert layer.editFormConfig().readOnly(index) == (name not in editable)
    setup = layer.editorWidgetSetup(layer.fields().indexOf("edited_caption"))
    assert setup.type() == "TextEdit"
    assert setup.config()["IsMultiline"]
    choices = layer.editorWidgetSetup(layer.fields().indexOf("review")).config()["map"]
    assert [value for choice in choices for value in choice.values()][1:] == ["right", "wrong"]


@pytest.mark.parametrize(
    ("text", "ok"), [("", True), (None, True), ("building", True), ("building; road", True), ("houses", False), ("road;", False)]
)
def test_the_form_takes_only_class_names(layer, text, ok):
    expression = QgsExpression(layer.constraintExpression(layer.fields().indexOf("added")))
    assert bool(expression.evaluate(context(layer, feature(layer, added=text)))) is ok


def test_a_corrected_caption_is_what_label_and_tip_show(layer):
    made = feature(layer, caption="a house", edited_caption="a <b>shed</b>")
    assert QgsExpression(layer.labeling().settings().fieldName).evaluate(context(layer, made)) == "a <b>shed</b>"
    assert "a &lt;b&gt;shed&lt;/b&gt;" in QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context(layer, made))


def test_layers_of_older_versions_are_labelled_too(layer):
    old = QgsVectorLayer("Polygon?field=caption:string&field=status:string&field=changed:bool", "old", "memory")
    made = QgsFeature(old.fields())
    made.setAttributes(["a house", "captioned", True])
    expression = QgsExpression(layer.labeling().settings().fieldName)
    assert expression.evaluate(context(old, made)) == "a house", expression.evalErrorString()


def test_icons_are_drawings_with_content():
    icons = sorted((ROOT / "resources" / "icons").glob("*.svg"))
    assert {path.stem for path in icons} >= {"changescribe", "click", "next", "previous", "settings", "help"}
    for path in icons:
        assert len(list(ElementTree.parse(path).getroot())) >= 2
