"""Rasters that are no plain file: in an archive, in a mosaic, in a mosaic of an archive."""

import zipfile
from xml.sax.saxutils import escape

import numpy as np
import pytest
import rasterio
from made_ground import HOME, opened
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.shutil import copy

from engine.contract.errors import RasterError
from engine.contract.request import CaptionRequest
from engine.contract.tiles import TileRef
from engine.geo.pair import RasterPair

WINDOW = TileRef(0, 0, 0, 0, 64, 64)


def vrt(path, source):
    """A mosaic with one raster in it, as gdalbuildvrt writes it."""
    with rasterio.open(source) as dataset:
        wkt, transform = dataset.crs.to_wkt(), dataset.transform.to_gdal()
        bands = "".join(
            f'<VRTRasterBand dataType="Byte" band="{band}"><SimpleSource><SourceFilename relativeToVRT="0">{source}</SourceFilename>'
            f"<SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
            for band in dataset.indexes
        )
        text = f'<VRTDataset rasterXSize="{dataset.width}" rasterYSize="{dataset.height}"><SRS>{escape(wkt)}</SRS>'
    path.write_text(f"{text}<GeoTransform>{', '.join(map(str, transform))}</GeoTransform>{bands}</VRTDataset>")
    return str(path)


def zipped(path, source):
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(source, "in/side.tif")
    return f"/vsizip/{path}/in/side.tif"


@pytest.mark.parametrize("kind", ["zip", "mosaic", "mosaic of zip"])
def test_it_reads_as_the_file_itself(raster, tmp_path, kind):
    source = raster(crs=HOME)
    path = zipped(tmp_path / "a.zip", source) if "zip" in kind else source
    path = vrt(tmp_path / "a.vrt", path) if "mosaic" in kind else path
    with RasterPair.open(CaptionRequest(source, path), 0.5) as pair:
        before, after, _, valid = pair.read(WINDOW)
    assert valid.any()
    assert before.std() > 0
    assert np.array_equal(before, after)


def test_a_container_of_variables_names_them_and_how_to_join_them(raster, tmp_path):
    path = str(tmp_path / "variables.nc")
    try:
        copy(raster(), path, driver="netCDF")
    except (RasterioError, CPLE_BaseError):
        pytest.skip("this GDAL has no netCDF")
    joined = r"gdalbuildvrt -separate rgb.vrt '\S+Band1' '\S+Band2' '\S+Band3'"
    with pytest.raises(RasterError, match=f"variables.nc is a container of 3 rasters.*name one of: .*Band1, .*Band2, .*Band3; .*{joined}"):
        opened(path, path)
