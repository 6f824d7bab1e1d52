"""Layers of every kind through the toolbox: online maps of a loopback server, archives, mosaics, services and databases."""

import math
import threading
import time
import zipfile

import numpy as np
import pytest
from changescribe.engine.contract.fields import TILE, names_of
from map_server import WEST_X
from osgeo import gdal, osr
from qgis.core import QgsProcessingException, QgsProcessingFeedback, QgsProject, QgsRasterLayer, QgsVectorLayer
from wcs_answers import EAST, WEST

from helpers import Feedback, run, sent, write_raster

# 400 m of ground in EPSG:3857 that a tile border and the WMS's border cross.
EXTENT = f"{WEST_X - 200},{WEST_X + 200},5620000,5620300 [EPSG:3857]"


@pytest.fixture
def before(tmp_path):
    """One metre a pixel in EPSG:3857 over EXTENT."""
    return write_raster(tmp_path / "before.tif", size=512, origin=(WEST_X - 256, 5620400), pixel=1.0, crs="EPSG:3857")


def online(source, provider="wms"):
    layer = QgsRasterLayer(source, "online", provider)
    assert layer.isValid(), layer.error().message()
    QgsProject.instance().addMapLayer(layer)
    return layer


def xyz(server, kind="xyz", more=""):
    return online(f"type=xyz&url={server[0]}/{kind}/%7Bz%7D/%7Bx%7D/%7By%7D.png&zmax=17&zmin=0{more}")


def captioned(before, layer, tmp_path, feedback=None, **more):
    """Caption, and open what the engine was given for AFTER."""
    run({"BEFORE": before, "AFTER": layer.id(), "OUTPUT": "memory:", "EXTENT": EXTENT, **more}, feedback or QgsProcessingFeedback())
    request = sent(tmp_path / "fake_worker.jsonl")[-1]
    return gdal.Open(request["after"]), request


def pixel_at(dataset, x, y):
    left, width, _, top, _, height = dataset.GetGeoTransform()
    return tuple(int(band) for band in dataset.ReadAsArray(int((x - left) / width), int((y - top) / height), 1, 1)[:, 0, 0])


def tile_colour(x, y, zoom):
    half = 20037508.342789244
    tiles = 2**zoom / (2 * half)
    return (int((x + half) * tiles) % 256, int((half - y) * tiles) % 256, zoom)


def test_xyz_tiles_come_at_the_other_rasters_resolution(provider, engine, before, server, tmp_path, qgis_new_project):
    engine()
    feedback = Feedback()
    written, request = captioned(before, xyz(server), tmp_path, feedback)
    assert (written.RasterXSize, written.RasterYSize) == (400, 300)
    assert osr.SpatialReference(written.GetProjection()).GetAuthorityCode(None) == "3857"
    for x, y in ((WEST_X - 150.5, 5620020.5), (WEST_X + 150.5, 5620250.5)):
        assert pixel_at(written, x, y) == (*tile_colour(x, y, 17), 255)
    assert "online is not a file: 400 × 300 pixels are written to a GeoTIFF, tiles of about zoom 17" in feedback.textLog()
    assert request["after_bands"] is None


def test_enlarged_tiles_are_said(provider, engine, server, tmp_path, qgis_new_project):
    engine()
    fine = write_raster(tmp_path / "fine.tif", size=512, origin=(WEST_X - 64, 5620100), pixel=0.25, crs="EPSG:3857")
    feedback = Feedback()
    captioned(fine, xyz(server), tmp_path, feedback, EXTENT=None)
    assert "enlarged 4.8 times: its finest tiles are of zoom 17" in feedback.textLog()


def test_two_online_layers_come_at_the_wanted_resolution(provider, engine, server, tmp_path, qgis_new_project):
    engine()
    wms = online(f"crs=EPSG:3857&format=image/png&layers=ground&styles=&url={server[0]}/wms?")
    run({"BEFORE": xyz(server).id(), "AFTER": wms.id(), "OUTPUT": "memory:", "EXTENT": EXTENT, "RESOLUTION": "2"})
    request = sent(tmp_path / "fake_worker.jsonl")[-1]
    for path in (request["before"], request["after"]):
        width = gdal.Open(path).RasterXSize
        assert width == pytest.approx(
            400 / 2 * math.cos(math.radians(45)), rel=0.02
        )  # the ground is smaller than EPSG:3857 has it there, at 45° north


def test_wms_pictures(provider, engine, before, server, tmp_path, qgis_new_project):
    engine()
    layer = online(f"crs=EPSG:3857&format=image/png&layers=ground&styles=&url={server[0]}/wms?")
    written, _ = captioned(before, layer, tmp_path)
    assert pixel_at(written, WEST_X - 1.5, 5620100) == (255, 0, 0, 255)
    assert pixel_at(written, WEST_X + 1.5, 5620100) == (0, 255, 0, 255)


def test_wmts_tiles(provider, engine, before, server, tmp_path, qgis_new_project):
    engine()
    source = f"crs=EPSG:3857&format=image/png&layers=ground&styles=default&tileMatrixSet=world&url={server[0]}/wmts?SERVICE%3DWMTS"
    written, _ = captioned(before, online(source), tmp_path)
    at = (WEST_X + 50.5, 5620100.5)
    assert pixel_at(written, *at) == (*tile_colour(*at, 17), 255)


def wcs(server, name, version):
    kind = "GeoTIFF" if version == "1.0.0" else "image/tiff"
    return online(f"crs=EPSG:3857&format={kind}&identifier={name}&url={server[0]}/wcs?&version={version}", "wcs")


@pytest.mark.parametrize("version", ["1.0.0", "1.1.1"])
@pytest.mark.parametrize("name", ["ground", "infrared", "deep"])
def test_wcs_coverages_keep_their_values_and_pixels(provider, engine, before, server, tmp_path, qgis_new_project, name, version):
    engine()
    feedback = Feedback()
    written, _ = captioned(before, wcs(server, name, version), tmp_path, feedback)
    assert pixel_at(written, WEST_X - 1.5, 5620100) == WEST[name]
    assert pixel_at(written, WEST_X + 1.5, 5620100) == EAST[name]
    assert (written.RasterXSize, written.RasterYSize, written.GetGeoTransform()[1]) == (400, 300, 1.0)
    assert "has no picture" not in feedback.textLog()
    assert gdal.GCI_AlphaBand not in {written.GetRasterBand(band).GetColorInterpretation() for band in range(1, written.RasterCount + 1)}


def test_a_wcs_alone_gives_the_grid(provider, engine, server, tmp_path, qgis_new_project):
    """A coverage has pixels of its own: two of them need no extent."""
    engine()
    layers = [wcs(server, name, "1.0.0") for name in ("ground", "infrared")]
    run({"BEFORE": layers[0].id(), "AFTER": layers[1].id(), "OUTPUT": "memory:", "BEFORE_BANDS": [1, 2, 3], "AFTER_BANDS": [3, 2, 1]})
    request = sent(tmp_path / "fake_worker.jsonl")[-1]
    assert [gdal.Open(request[date]).RasterXSize for date in ("before", "after")] == [2000, 2000]
    assert request["after_bands"] == [3, 2, 1]


def test_a_wcs_that_refuses_is_said(provider, engine, before, server, tmp_path, qgis_new_project):
    """The layer was good when it was added; now its server answers with an exception's report."""
    engine()
    layer = wcs(server, "fails", "1.0.0")
    with pytest.raises(QgsProcessingException, match="online returned (no image|an empty image of this area).*To do: check"):
        captioned(before, layer, tmp_path)


def test_credentials_stay_in_qgis(provider, engine, before, server, tmp_path, qgis_new_project):
    engine()
    feedback = Feedback()
    written, _ = captioned(before, xyz(server, "private", "&username=ann&password=secret"), tmp_path, feedback)
    assert pixel_at(written, WEST_X, 5620100)[3] == 255
    assert "secret" not in (tmp_path / "fake_worker.jsonl").read_text() + feedback.textLog()


def test_without_credentials_the_empty_picture_is_refused(provider, engine, before, server, tmp_path, qgis_new_project):
    engine()
    with pytest.raises(QgsProcessingException, match="online returned an empty image of this area.*To do: check the connection"):
        captioned(before, xyz(server, "locked"), tmp_path)


def test_missing_tiles_are_said_and_left_transparent(provider, engine, before, server, tmp_path, qgis_new_project):
    engine()
    feedback = Feedback()
    written, _ = captioned(before, xyz(server, "holes"), tmp_path, feedback)
    covered = float((written.GetRasterBand(4).ReadAsArray() > 0).mean())
    assert 0 < covered < 1
    assert f"online has no image for {100 * (1 - covered):.1f} % of the area" in feedback.textLog()


def test_fetching_leaves_the_main_thread_free_and_can_be_cancelled(server, before, tmp_path, qgis_new_project):
    from changescribe.engine.contract.errors import Cancelled
    from changescribe.qgis_plugin.layers.exports import Export, pixel_grid
    from changescribe.qgis_plugin.layers.sources import Area
    from qgis.core import QgsProcessingContext, QgsRectangle

    layer, other = xyz(server), QgsRasterLayer(before, "before")
    area = Area(QgsRectangle(WEST_X, 5600000, WEST_X + 6000, 5606000), layer.crs())
    context = QgsProcessingContext()
    export = Export(layer, pixel_grid(layer, area, other, 0.5, context), str(tmp_path / "x.tif"), context)
    stop, ends, gaps = time.monotonic() + 1.0, [], []

    def fetch():
        try:
            export.write(lambda: time.monotonic() > stop)
        except Cancelled:
            ends.append(time.monotonic())

    thread = threading.Thread(target=fetch)
    thread.start()
    last = time.monotonic()
    while thread.is_alive():  # Python in the main thread goes on while QGIS fetches
        time.sleep(0.01)
        gaps.append(time.monotonic() - last)
        last = time.monotonic()
    assert ends and ends[0] - stop < 2.0
    assert sorted(gaps)[len(gaps) // 2] < 0.1
    assert [path.name for path in tmp_path.iterdir()] == ["before.tif"]


def test_a_raster_on_the_web_goes_to_the_engine_as_it_is(provider, engine, before, server, tmp_path, qgis_new_project):
    engine()
    write_raster(server[1] / "after.tif", size=512, origin=(WEST_X - 256, 5620400), pixel=1.0, crs="EPSG:3857")
    _, request = captioned(before, online(f"/vsicurl/{server[0]}/after.tif", "gdal"), tmp_path)
    assert request["after"] == f"/vsicurl/{server[0]}/after.tif"


def test_a_raster_in_a_zip_goes_to_the_engine_as_it_is(provider, engine, before, tmp_path, qgis_new_project):
    engine()
    write_raster(tmp_path / "after.tif", size=512, origin=(WEST_X - 256, 5620400), pixel=1.0, crs="EPSG:3857")
    with zipfile.ZipFile(tmp_path / "after.zip", "w") as archive:
        archive.write(tmp_path / "after.tif", "in/after.tif")
    source = f"/vsizip/{tmp_path}/after.zip/in/after.tif"
    assert captioned(before, online(source, "gdal"), tmp_path)[1]["after"] == source


def test_a_service_description_of_gdal_is_written_by_qgis(provider, engine, before, server, tmp_path, qgis_new_project):
    """A WMS service that GDAL reads through a small XML file: the engine's GDAL has no services."""
    engine()
    description = tmp_path / "service.xml"
    description.write_text(
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>{server[0]}/xyz/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service><DataWindow>'
        "<UpperLeftX>-20037508.34</UpperLeftX><UpperLeftY>20037508.34</UpperLeftY><LowerRightX>20037508.34</LowerRightX>"
        "<LowerRightY>-20037508.34</LowerRightY><TileLevel>17</TileLevel><TileCountX>1</TileCountX><TileCountY>1</TileCountY>"
        "<YOrigin>top</YOrigin></DataWindow><Projection>EPSG:3857</Projection><BlockSizeX>256</BlockSizeX><BlockSizeY>256</BlockSizeY>"
        "<BandsCount>3</BandsCount></GDAL_WMS>"
    )
    written, request = captioned(before, online(str(description), "gdal"), tmp_path)
    assert request["after"].endswith("after.tif")
    assert (written.RasterXSize, written.RasterYSize) == (400, 300)


@pytest.mark.parametrize(
    ("source", "opens"),
    [
        ("/data/a.tif", True),
        ("/vsizip//data/a.zip/a.tif", True),
        ("/data/mosaic.vrt", True),
        ("NETCDF:/data/a.nc:var", True),
        ("/vsimem/a.tif", False),
        ("/vsicurl/https://a/b.tif authcfg=abc1234", False),
        ("PG:dbname=gis table=ortho", False),
        ("WMTS:https://a/WMTSCapabilities.xml,layer=x", False),
        ("WCS:https://a/?coverage=x", False),
        ("<GDAL_WMS><Service/></GDAL_WMS>", False),
    ],
)
def test_what_the_engine_opens_itself(source, opens):
    from changescribe.qgis_plugin.layers.sources import engine_opens

    class Layer:
        def providerType(self):
            return "gdal"

        def source(self):
            return source

    assert engine_opens(Layer()) is opens


def sixteen_bit(path, bands=4, **place):
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 64, 64, bands, gdal.GDT_UInt16)
    dataset.SetGeoTransform((place.get("x", 500000.0), 8, 0, place.get("y", 5000000.0), 0, -8))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    dataset.SetProjection(reference.ExportToWkt())
    for band in range(bands):
        dataset.GetRasterBand(band + 1).WriteArray(np.full((64, 64), 1000 * band, "uint16"))
    dataset.FlushCache()
    return str(path)


def test_the_default_look_of_many_bands_is_nobodys_choice(provider, engine, tmp_path, qgis_new_project):
    """QGIS shows bands 1, 2, 3 of blue, green, red, infrared: blue as red. The engine knows better; a user's own choice counts."""
    engine()
    layers = [QgsRasterLayer(sixteen_bit(tmp_path / f"{name}.tif"), name) for name in ("first", "second")]
    QgsProject.instance().addMapLayers(layers)
    layers[1].renderer().setRedBand(4)
    run({"BEFORE": layers[0].id(), "AFTER": layers[1].id(), "OUTPUT": "memory:"})
    request = sent(tmp_path / "fake_worker.jsonl")[-1]
    assert (request["before_bands"], request["after_bands"]) == (None, [4, 2, 3])


def test_a_virtual_mosaic_goes_to_the_engine_as_it_is(provider, engine, tmp_path, qgis_new_project):
    engine()
    parts = [sixteen_bit(tmp_path / f"part{x}.tif", x=500000.0 + 512 * x) for x in range(2)]
    gdal.BuildVRT(str(tmp_path / "mosaic.vrt"), parts).FlushCache()
    run({"BEFORE": str(tmp_path / "mosaic.vrt"), "AFTER": parts[0], "OUTPUT": "memory:"})
    assert sent(tmp_path / "fake_worker.jsonl")[-1]["before"] == str(tmp_path / "mosaic.vrt")


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "fgb", "shp"])
def test_result_formats(provider, engine, rasters, tmp_path, ending):
    """A layer that is opened again from its file has all tiles, fields and, but for the Shapefile, its style."""
    engine()
    path = tmp_path / f"out.{ending}"
    results, context = run({"BEFORE": rasters["before"], "AFTER": rasters["after"], "OUTPUT": str(path)})
    del results, context  # FlatGeobuf is complete when it is closed
    layer = QgsVectorLayer(str(path), "out")
    assert layer.featureCount() == 16
    assert {name[:10] for name in names_of(TILE)} <= {name[:10] for name in layer.fields().names()}
    assert layer.crs().authid() == "EPSG:32633"
    assert "a row of houses is built along the road" in {feature["caption"] for feature in layer.getFeatures()}
    assert bool(layer.mapTipTemplate()) == (ending != "shp")
