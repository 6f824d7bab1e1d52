"""What Layer properties › Transparency says of a layer travels to the engine, from toolbox and panel."""

import numpy as np
import pytest
from changescribe.engine.contract.validity import NodataSettings
from osgeo import gdal, osr
from qgis.core import QgsProject, QgsRasterLayer, QgsRasterRange

from helpers import run, sent


@pytest.fixture
def layer(tmp_path):
    """A raster of four bytes a pixel, the fourth tagged as transparency, with 0 as no data."""
    path = tmp_path / "four.tif"
    made = gdal.GetDriverByName("GTiff").Create(str(path), 512, 512, 4, gdal.GDT_Byte, ["PHOTOMETRIC=RGB", "ALPHA=YES"])
    made.SetGeoTransform((500_000, 0.5, 0, 5_000_000, 0, -0.5))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    made.SetProjection(reference.ExportToWkt())
    for band in range(1, 5):
        made.GetRasterBand(band).WriteArray(np.full((512, 512), 40 * band, np.uint8))
        made.GetRasterBand(band).SetNoDataValue(0)
    made = None
    return QgsRasterLayer(str(path), "four")


def changed(layer):
    provider = layer.dataProvider()
    provider.setUserNoDataValue(2, [QgsRasterRange(255, 255), QgsRasterRange(10, 12)])
    for band in range(1, 5):
        provider.setUseSourceNoDataValue(band, False)
    layer.renderer().setAlphaBand(-1)


def test_a_layer_as_it_was_opened_says_nothing(qgis_app, layer):
    from changescribe.qgis_plugin.layers.transparency import nodata_of

    assert layer.isValid() and nodata_of(layer) is None


def test_each_setting_is_read(qgis_app, layer):
    from changescribe.qgis_plugin.layers.transparency import nodata_of

    changed(layer)
    assert nodata_of(layer) == NodataSettings(False, ((10, 12), (255, 255)), 0)
    layer.renderer().setAlphaBand(3)
    assert nodata_of(layer).alpha == 3


def test_the_toolbox_sends_them(provider, engine, rasters, layer, tmp_path):
    engine()
    changed(layer)
    run({"BEFORE": rasters["before"], "AFTER": layer, "OUTPUT": "memory:", "FILL": "255", "MASK_AFTER": "clouds.tif|masked=1"})
    request = sent(tmp_path / "fake_worker.jsonl")[0]
    assert request["before_nodata"] is None
    assert request["after_nodata"] == {"own": False, "values": [[10, 12], [255, 255]], "alpha": 0}
    assert (request["fill"], request["mask_after"], request["mask_before"]) == (255, "clouds.tif|masked=1", None)


def test_the_panel_sends_them(plugin, rasters, layer, tmp_path):
    from changescribe.qgis_plugin.gui.run.request import build_request

    before = QgsRasterLayer(str(rasters["before"]), "before")
    changed(layer)
    for added in (before, layer):
        QgsProject.instance().addMapLayer(added)
    form = plugin.dock.form
    form.before.setLayer(before)
    form.after.setLayer(layer)
    form.rows.widgets["fill"].set_value(0.0)
    form.rows.widgets["mask_before"].set_value("clouds.gpkg|layername=clouds")
    request, _ = build_request(form, tmp_path / "out.gpkg")
    assert request["before_nodata"] is None and request["after_nodata"]["own"] is False and request["after_nodata"]["alpha"] == 0
    assert (request["fill"], request["mask_before"]) == (0.0, "clouds.gpkg|layername=clouds")
