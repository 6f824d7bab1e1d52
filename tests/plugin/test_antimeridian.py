"""Layers on both sides of the antimeridian, in any turn round the earth."""

import itertools

import pytest
from changescribe.engine.contract.errors import NoOverlapError
from qgis.core import QgsProcessingContext, QgsRasterLayer

from helpers import write_raster

LAT, UTM = -16.8, (819789.0, 8140148.4)  # of 180° E
FORMS = {"utm": "EPSG:32760", "past_180": "EPSG:4326", "under_180": "EPSG:4326", "nad83": "EPSG:4269"}


@pytest.fixture
def make(qgis_app, tmp_path):
    """A layer of 64 × 64 pixels of about half a metre around 180° E, in one of FORMS."""

    def layer(name):
        degrees = {"past_180": 180.0, "under_180": -180.0, "nad83": -180.0}
        if name in degrees:
            origin, pixel = (degrees[name] - 32 * 4.5e-6, LAT + 32 * 4.5e-6), 4.5e-6
        else:
            origin, pixel = (UTM[0] - 16, UTM[1] + 16), 0.5
        return QgsRasterLayer(write_raster(tmp_path / f"{name}.tif", origin=origin, pixel=pixel, crs=FORMS[name]), name)

    return layer


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(FORMS, 2)))
def test_two_layers_of_one_place_share_it(make, before, after):
    from changescribe.qgis_plugin.gui.form.estimate import shared_ground
    from changescribe.qgis_plugin.layers.rasters import check_on_rasters, check_pair
    from changescribe.qgis_plugin.layers.sources import Area

    context, before, after = QgsProcessingContext(), make(before), make(after)
    check_pair(before, after, context)
    box = shared_ground(before, after, None, context)
    assert box.width() > 0.9 * before.extent().width() and box.height() > 0.9 * before.extent().height()
    check_on_rasters(Area(after.extent(), after.crs()), before, after, context)
    assert shared_ground(before, after, Area(after.extent(), after.crs()), context) == box


def test_a_place_half_round_the_earth_is_another(make, tmp_path):
    from changescribe.qgis_plugin.layers.rasters import check_pair

    far = QgsRasterLayer(write_raster(tmp_path / "far.tif", origin=(0.0, LAT), pixel=4.5e-6, crs="EPSG:4326"), "far")
    for layer in map(make, FORMS):
        with pytest.raises(NoOverlapError):
            check_pair(layer, far, QgsProcessingContext())
