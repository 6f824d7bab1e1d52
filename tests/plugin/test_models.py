"""The model that is shipped for the model designer, run as a user's."""

import importlib.util
from xml.etree.ElementTree import canonicalize

import pytest
from conftest import ROOT
from qgis.core import Qgis, QgsFeature, QgsGeometry, QgsProcessingContext, QgsProcessingFeedback, QgsProcessingModelAlgorithm, QgsVectorLayer

from helpers import sent, write_raster

MODELS = ROOT / "resources" / "processing"
SHIPPED = MODELS / "changed_tiles_by_area.model3"


@pytest.fixture
def rasters(tmp_path):
    """Where the fake worker's grid lies."""
    return {name: write_raster(tmp_path / f"{name}.tif", origin=(0.0, 512.0)) for name in ("before", "after")}


@pytest.fixture
def districts():
    """Two areas that halve the fake worker's grid (0, 0 to 512, 512), apart from a metre at each edge of a tile."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:32633&field=name:string", "districts", "memory")
    for name, x in (("west", 1), ("east", 257)):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([name])
        feature.setGeometry(QgsGeometry.fromWkt(f"POLYGON(({x} 1, {x + 254} 1, {x + 254} 511, {x} 511, {x} 1))"))
        layer.dataProvider().addFeature(feature)
    return layer


def run_model(rasters, districts, **more):
    model = QgsProcessingModelAlgorithm()
    assert model.fromFile(str(SHIPPED))
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    parameters = {"before": rasters["before"], "after": rasters["after"], "areas": districts, **more}
    (name,) = [output.name() for output in model.destinationParameterDefinitions()]
    assert model.checkParameterValues({**parameters, name: "memory:"}, context) == (True, "")
    results, ok = model.run({**parameters, name: "memory:"}, context, feedback)
    assert ok, feedback.textLog()
    return list(context.getMapLayer(results[name]).getFeatures())


def test_the_shipped_model_runs(provider, qgis_processing, engine, rasters, districts, tmp_path):
    engine()
    tiles = run_model(rasters, districts)
    assert [(tile["tile_id"], tile["changed"], tile["area_name"]) for tile in tiles] == [(f"r0000{row}_c00000", True, "west") for row in range(4)]
    assert sent(tmp_path / "fake_worker.jsonl")[0]["aoi"].endswith("area.gpkg")


def test_the_models_score_keeps_only_surer_tiles(provider, qgis_processing, engine, rasters, districts):
    engine()
    assert run_model(rasters, districts, score=0.95) == []  # the fake worker's changed tiles have 0.9


@pytest.mark.skipif(Qgis.QGIS_VERSION_INT >= 33800, reason="the file is an earlier QGIS's, later ones add members of their own")
def test_the_shipped_model_is_what_the_script_makes(provider, qgis_processing, tmp_path):
    spec = importlib.util.spec_from_file_location("make_models", MODELS / "make_models.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = tmp_path / "made.model3"
    assert script.changed_tiles_by_area().toFile(str(made))
    assert canonicalize(from_file=made) == canonicalize(from_file=SHIPPED)  # Qt writes attributes in any order
