"""The heat map of captionchanges in real QGIS with the fake worker."""

import json
from pathlib import Path

import pytest
from qgis.core import QgsProcessing, QgsProcessingContext, QgsProcessingException, QgsProcessingUtils, QgsProject, QgsRasterLayer

from helpers import Feedback, run


@pytest.fixture
def parameters(rasters):
    return {"BEFORE": rasters["before"], "AFTER": rasters["after"], "OUTPUT": "memory:"}


def asked(tmp_path):
    """The ``heatmap`` member of the last caption request that the fake worker read."""
    messages = map(json.loads, (tmp_path / "fake_worker.jsonl").read_text().splitlines())
    return [message.get("heatmap") for message in messages if message["type"] == "caption"][-1]


def test_without_it_none_is_asked_for(provider, engine, parameters, tmp_path):
    engine()
    results, _ = run(parameters)
    assert asked(tmp_path) is None and "HEATMAP" not in results


def test_the_file_is_written_and_keeps_its_style(provider, engine, parameters, tmp_path):
    engine()
    path = tmp_path / "heat.tif"
    results, _ = run(parameters | {"HEATMAP": str(path)})
    assert results["HEATMAP"] == asked(tmp_path) == str(path)
    layer = QgsRasterLayer(str(path), "heat")
    assert layer.renderer().type() == "singlebandpseudocolor"
    items = layer.renderer().shader().rasterShaderFunction().colorRampItemList()
    assert [item.value for item in items] == [0, 20, 50, 100]
    assert (items[0].color.alpha(), items[-1].color.alpha()) == (0, 200)  # what has not changed is clear


def test_a_temporary_one_is_a_geotiff(provider, engine, parameters, tmp_path):
    engine()
    results, _ = run(parameters | {"HEATMAP": QgsProcessing.TEMPORARY_OUTPUT})
    assert results["HEATMAP"].endswith(".tif") and Path(results["HEATMAP"]).is_file()
    assert results["HEATMAP"] == asked(tmp_path)


def test_an_existing_file_is_overwritten_as_the_toolbox_does(provider, engine, parameters, tmp_path):
    engine()
    (tmp_path / "heat.tif").write_bytes(b"an older one")
    run(parameters | {"HEATMAP": str(tmp_path / "heat.tif")})
    assert QgsRasterLayer(str(tmp_path / "heat.tif"), "heat").isValid()


def test_the_layer_that_goes_onto_the_map_has_the_style(provider, engine, parameters, tmp_path):
    from changescribe.qgis_plugin.layers.grid_layer import finish_heatmap

    engine()
    path = str(tmp_path / "heat.tif")
    run(parameters | {"HEATMAP": path})
    (tmp_path / "heat.qml").unlink()
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    layer = QgsProcessingUtils.mapLayerFromString(path, context)
    assert layer.renderer().type() != "singlebandpseudocolor"
    finish_heatmap(path, layer)
    assert layer.renderer().type() == "singlebandpseudocolor"


@pytest.mark.parametrize("name", ["heat.png", "heat.gpkg"])
def test_other_kinds_of_file_are_refused_before_the_run(provider, engine, parameters, tmp_path, name):
    engine()
    with pytest.raises(QgsProcessingException, match=r"ends in \.tif|extension"):
        run(parameters | {"HEATMAP": str(tmp_path / name)})


def test_a_folder_in_its_place_is_said(provider, engine, parameters, tmp_path):
    engine()
    (tmp_path / "heat.tif").mkdir()
    with pytest.raises(QgsProcessingException, match="heat.tif cannot be overwritten"):
        run(parameters | {"HEATMAP": str(tmp_path / "heat.tif")})


def test_cancelled_it_is_kept(provider, engine, parameters, tmp_path):
    engine("slow").start()
    results, _ = run(parameters | {"HEATMAP": str(tmp_path / "heat.tif")}, Feedback(cancel_after_s=1.2))
    assert results["HEATMAP"] == str(tmp_path / "heat.tif")
    assert results["TILES"] < 16
