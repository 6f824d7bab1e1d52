"""What an output would replace: unsaved edits and saved corrections are never overwritten, by any route; formats without geometries."""

import os
import shutil

import pytest
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessingException,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsProperty,
    QgsRemappingSinkDefinition,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import NULL

from helpers import run, write_raster

AREA, BATCH = "changescribe:captionarea", "changescribe:captionbatch"
UNSAVED, SAVED = "is loaded as the layer loaded, whose edits are not saved", "holds corrected or judged tiles"


@pytest.fixture
def changes(provider, engine, rasters, tmp_path, qgis_new_project):
    """Runs captionchanges into an output."""
    engine()

    def caption(output, **more):
        return run({"BEFORE": rasters["before"], "AFTER": rasters["after"], "OUTPUT": output, **more})

    return caption


@pytest.fixture
def earlier(changes, tmp_path):
    """An output of an earlier run."""
    path = str(tmp_path / "x.gpkg")
    changes(path)
    return path


def loaded(source, name="loaded"):
    layer = QgsVectorLayer(source, name, "ogr")
    assert layer.isValid()
    return QgsProject.instance().addMapLayer(layer)


def edit(layer, column="edited_caption", value="mine"):
    """An edit of the first row that is not saved."""
    assert layer.startEditing()
    assert layer.changeAttributeValue(next(layer.getFeatures()).id(), layer.fields().indexOf(column), value)


def corrections(source, column="edited_caption"):
    return sum(feature[column] not in (None, NULL, "") for feature in QgsVectorLayer(source, "fresh", "ogr").getFeatures())


def routes(path):
    """All ways to name a GeoPackage as output: a path, a link, a definition, an expression, a layer of it."""
    yield path
    yield path[: -len(".gpkg")]  # QGIS adds the extension
    link = path.replace("x.gpkg", "link.gpkg")
    if not os.path.lexists(link):
        os.symlink(path, link)
    yield link
    yield QgsProcessingOutputLayerDefinition(path, QgsProject.instance())
    yield QgsProperty.fromExpression(f"'{path[:-6]}' || 'x.gpkg'")
    yield f"ogr:dbname='{path}' table=\"x\" (geom)"


def test_unsaved_edits_of_the_loaded_output_are_not_replaced(changes, earlier):
    layer = loaded(earlier)
    edit(layer)
    for route in routes(earlier):
        with pytest.raises(QgsProcessingException, match=f"{UNSAVED}. Needed: .*To do: choose another output, or discard"):
            changes(route)
    assert layer.commitChanges()
    assert corrections(earlier) == 1


@pytest.mark.parametrize(("column", "value"), [("edited_caption", "a shed is built"), ("review", "right")])
def test_saved_corrections_are_not_replaced(changes, earlier, column, value):
    layer = loaded(earlier)
    edit(layer, column, value)
    assert layer.commitChanges()
    QgsProject.instance().removeMapLayer(layer)
    for route in routes(earlier):
        with pytest.raises(QgsProcessingException, match=f"{SAVED}. Needed: .*To do: choose another output, or delete"):
            changes(route)
    assert corrections(earlier, column) == 1


@pytest.mark.parametrize("suffix", [".shp", ".geojson", ".fgb", ".csv", ".sqlite"])
def test_corrections_in_other_formats_are_not_replaced(changes, tmp_path, suffix):
    """A Shapefile cuts the column's name."""
    path = str(tmp_path / f"x{suffix}")
    fields = QgsVectorLayer("Polygon?crs=EPSG:32633&field=caption:string&field=edited_caption:string&field=review:string", "x", "memory")
    for text in (NULL, "mine"):
        feature = QgsFeature(fields.fields())
        feature.setGeometry(QgsGeometry.fromWkt("POLYGON((0 0,1 0,1 1,0 0))"))
        feature.setAttributes(["a house is built", text, NULL])
        fields.dataProvider().addFeature(feature)
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = QgsVectorFileWriter.driverForExtension(suffix[1:])
    QgsVectorFileWriter.writeAsVectorFormatV3(fields, path, QgsProject.instance().transformContext(), options)
    with pytest.raises(QgsProcessingException, match=SAVED):
        changes(path)


def test_a_loaded_output_without_edits_is_replaced_and_shows_the_new_one(changes, earlier):
    """Else edits made afterwards would be saved into the file that is gone."""
    layer = loaded(earlier)
    assert layer.featureCount() == 16
    layer.dataProvider().deleteFeatures([feature.id() for feature in layer.getFeatures()][:6])
    changes(earlier)
    assert layer.isValid() and len(list(layer.getFeatures())) == 16
    edit(layer)
    assert layer.commitChanges() and corrections(earlier) == 1


def test_edits_of_another_layer_do_not_matter(changes, earlier, tmp_path):
    other = str(tmp_path / "y.gpkg")
    shutil.copy(earlier, other)
    edit(loaded(other))
    changes(earlier)
    changes(f"ogr:dbname='{other}' table=\"beside\" (geom)")
    assert all(QgsVectorLayer(f"{other}|layername={name}", name, "ogr").featureCount() == 16 for name in ("x", "beside"))
    for temporary in ("memory:", "TEMPORARY_OUTPUT"):
        assert changes(temporary)[0]["TILES"] == 16


def test_a_geopackage_of_several_layers_is_not_replaced_as_a_whole(changes, earlier):
    changes(f"ogr:dbname='{earlier}' table=\"second\" (geom)")
    with pytest.raises(QgsProcessingException, match=r"holds several layers \(x, second\).*Save to GeoPackage"):
        changes(earlier)
    changes(f"ogr:dbname='{earlier}' table=\"second\" (geom)")


def test_rows_may_be_added_to_a_layer_with_corrections(changes, earlier):
    layer = loaded(earlier)
    edit(layer)
    assert layer.commitChanges()
    definition = QgsProcessingOutputLayerDefinition(earlier)
    mapping = QgsRemappingSinkDefinition()
    mapping.setDestinationFields(layer.fields())
    mapping.setDestinationCrs(layer.crs())
    mapping.setDestinationWkbType(layer.wkbType())
    mapping.setFieldMap({"tile_id": QgsProperty.fromField("tile_id")})
    definition.setRemappingDefinition(mapping)
    changes(definition)
    assert QgsVectorLayer(earlier, "x", "ogr").featureCount() == 32 and corrections(earlier) == 1


def test_captionarea_replaces_no_corrections(changes, earlier, rasters):
    edit(loaded(earlier))
    zones = QgsVectorLayer("Polygon?crs=EPSG:32633", "zones", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromWkt("POLYGON((500000 4999800, 500100 4999800, 500100 4999900, 500000 4999800))"))
    zones.dataProvider().addFeature(feature)
    zones.updateExtents()
    with pytest.raises(QgsProcessingException, match=UNSAVED):
        run({"BEFORE": rasters["before"], "AFTER": rasters["after"], "INPUT": zones, "OUTPUT": earlier}, name=AREA)


def batch(tmp_path, **more):
    folder = tmp_path / "pairs"
    folder.mkdir(exist_ok=True)
    for name in ("x_before", "x_after", "y_before", "y_after"):
        write_raster(folder / f"{name}.tif")
    return run({"FOLDER": str(folder), "OUTPUT_FOLDER": str(tmp_path), "SUMMARY": "memory:", **more}, name=BATCH)


@pytest.mark.parametrize("resume", [True, False])
def test_captionbatch_leaves_a_pair_whose_output_is_being_edited(changes, earlier, tmp_path, resume):
    edit(loaded(earlier))
    results, context = batch(tmp_path, RESUME=resume)
    first, second = ({name: row[name] for name in ("name", "status", "message")} for row in context.getMapLayer(results["SUMMARY"]).getFeatures())
    assert (first["name"], first["status"], second["status"]) == ("x", "failed", "done")
    assert UNSAVED in first["message"] and "To do: save or discard the layer's edits" in first["message"]


def test_captionbatchs_table_replaces_no_corrections(changes, earlier, tmp_path):
    edit(loaded(earlier))
    with pytest.raises(QgsProcessingException, match=UNSAVED):
        batch(tmp_path, SUMMARY=earlier)
    results, _ = batch(tmp_path, SUMMARY=str(tmp_path / "pairs.xlsx"))
    assert results["PAIRS"] == 2


def test_captionbatchs_table_says_what_the_engine_warns_of(changes, tmp_path, monkeypatch):
    """Such as one raster for both dates."""
    from changescribe.qgis_plugin.processing import caption_batch

    monkeypatch.setattr(caption_batch, "run_engine", lambda *_, **__: {"warnings": ["before and after are the same raster", "a second"]})
    results, context = batch(tmp_path)
    first = next(context.getMapLayer(results["SUMMARY"]).getFeatures())
    assert (first["status"], first["message"]) == ("done", "before and after are the same raster; a second")


def test_a_csv_holds_the_polygons_as_text(changes, tmp_path):
    path = str(tmp_path / "x.csv")
    assert changes(path)[0]["OUTPUT"] == path
    layer = QgsVectorLayer(path, "x", "ogr")
    first = next(layer.getFeatures())
    assert layer.featureCount() == 16 and layer.crs().authid() == "EPSG:32633"
    assert first.geometry().area() == pytest.approx(128 * 128)
    assert (first["caption"], first["changed"]) == ("a row of houses is built along the road", True)
    assert first["WKT"].startswith("POLYGON")


@pytest.mark.parametrize("name", ["x.xlsx", "x.ODS"])
def test_formats_without_geometries_are_refused(changes, rasters, tmp_path, name):
    with pytest.raises(QgsProcessingException, match=f"{name}, a format without geometries. Needed: .* To do: choose GeoPackage, or .csv"):
        changes(str(tmp_path / name))
    assert not (tmp_path / name).exists()


def test_one_file_by_two_names_is_the_same_raster_and_other_bands_are_not(changes, rasters, tmp_path):
    link = tmp_path / "link.tif"
    link.symlink_to(rasters["after"])  # of four bands
    with pytest.raises(QgsProcessingException, match="the same raster for BEFORE and AFTER"):
        run({"BEFORE": rasters["after"], "AFTER": str(link), "OUTPUT": "memory:"})
    results, _ = run({"BEFORE": rasters["after"], "AFTER": rasters["after"], "BEFORE_BANDS": [1], "AFTER_BANDS": [2], "OUTPUT": "memory:"})
    assert results["TILES"] == 16


def test_tables_of_a_database_are_told_apart(qgis_new_project):
    from changescribe.qgis_plugin.layers.target import target_of
    from qgis.core import QgsProcessingContext

    target = target_of('postgis:dbname=\'gis\' host=h table="public"."x" (geom)', QgsProcessingContext())
    assert (target.provider, target.path, target.name) == ("postgres", "", '"public"."x"')
    layers = [QgsVectorLayer(f"dbname='gis' host=h {port}table=\"{table}\" (geom)", "x", "postgres") for port, table in
              (("port=5432 ", "public\".\"x"), ("", "public\".\"y"), ("port=5433 ", "public\".\"x"))]  # fmt: skip
    assert [target.is_of(layer) for layer in layers] == [True, False, False]
