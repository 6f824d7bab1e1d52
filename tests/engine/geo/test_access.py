"""The network stays closed unless the request names a URL; a server on the loopback device counts who calls."""

import http.server
import json
import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from engine.geo import access

ROOT = Path(__file__).resolve().parents[3]
VRT = """<VRTDataset rasterXSize="210" rasterYSize="180"><SRS>EPSG:32633</SRS><GeoTransform>391447.5,0.5,0,5820045,0,-0.5</GeoTransform>
<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename relativeToVRT="0">{source}</SourceFilename><SourceBand>1</SourceBand>
</SimpleSource></VRTRasterBand></VRTDataset>"""
# GDAL reads its settings once for some of them, and this process has opened rasters already.
READ = """
import json, sys
from engine.errors import RasterError
from engine.geo import access
from engine.geo.source import RasterSource
from engine.schema import TileRef
for path in sys.argv[1:]:
    try:
        source = RasterSource(path, "before")
        pixels, valid = source.read(source.crs, source.transform, TileRef(0, 0, 0, 0, 64, 64))
        print(json.dumps([float(pixels.mean()), ""]))
    except RasterError as error:
        print(json.dumps([None, str(error)]))
"""


class Counting(http.server.SimpleHTTPRequestHandler):
    calls: list = []

    def log_message(self, *_):
        self.calls.append(self.path)


@pytest.fixture
def server(tmp_path, raster):
    raster("picture.tif")
    Counting.calls = []
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Counting, directory=str(tmp_path)))
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}/picture.tif"
    serving.shutdown()
    serving.server_close()


def read(*paths, **environment):
    kept = {name: value for name, value in os.environ.items() if name not in (access.CLOSED, "GDAL_SKIP", access.ALLOW)}
    command = [sys.executable, "-c", READ, *paths]
    done = subprocess.run(command, cwd=ROOT, env=kept | environment, capture_output=True, text=True, timeout=120, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def vrt(tmp_path):
    def write(source):
        path = tmp_path / "mosaic.vrt"
        path.write_text(VRT.format(source=source))
        return str(path)

    return write


@pytest.mark.parametrize("way", ["{}", "/vsicurl/{}", "/vsicurl_streaming/{}", "/vsicached?file=/vsicurl/{}"])
def test_a_local_file_that_names_a_url_calls_nobody(server, vrt, way):
    ((_, message),) = read(vrt(way.format(server)))
    assert "refers to data on the network" in message
    assert Counting.calls == []


def test_the_message_names_the_address_and_the_remedy(server, vrt):
    ((_, message),) = read(vrt(f"/vsicurl/{server}"))
    assert server in message and "CHANGESCRIBE_REMOTE=1" in message


def test_a_url_that_the_request_names_is_read(server):
    (named, prefixed) = read(server, f"/vsicurl/{server}")
    assert named[0] and named == prefixed
    assert Counting.calls


def test_trusted_files_may_reach_out(server, vrt):
    ((mean, _),) = read(vrt(f"/vsicurl/{server}"), CHANGESCRIBE_REMOTE="1")
    assert mean


def test_limit_closes_what_a_request_has_opened(monkeypatch):
    monkeypatch.setenv(access.CLOSED, "none")
    access.allow("/data/local.tif")
    assert access.is_closed()
    access.allow("https://example.org/a.tif")
    assert not access.is_closed()
    access.limit()
    assert access.is_closed()


REMOTE = "https://x/a.tif HTTP://x /vsicurl/http://x /vsis3/b/k s3://b/k zip+https://x/a.zip!a.tif vrt:///vsigs/b/k?bands=1 /vsizip//vsicurl/x"
LOCAL = "/data/a.tif C:\\data\\a.tif /vsizip/a.zip/a.tif /data/https/a.tif file:///a.tif vrt://a.tif?a_srs=EPSG:4326 /gs/vsi/a"


@pytest.mark.parametrize("path", REMOTE.split())
def test_remote_paths(path):
    assert access.is_remote(path)


@pytest.mark.parametrize("path", LOCAL.split())
def test_local_paths(path):
    assert not access.is_remote(path)


def test_python_in_a_vrt_does_not_run(tmp_path, raster):
    mark = tmp_path / "ran"
    source = raster("picture.tif")
    code = f"def run(i, o, *a, **k):\n    open({str(mark)!r}, 'w')\n    o[:] = i[0]"
    text = VRT.format(source=source).replace(
        'band="1"><SimpleSource>',
        'band="1" subClass="VRTDerivedRasterBand"><PixelFunctionType>run</PixelFunctionType><PixelFunctionLanguage>Python</PixelFunctionLanguage>'
        f"<PixelFunctionCode><![CDATA[{code}]]></PixelFunctionCode><SimpleSource>",
        1,
    )
    path = tmp_path / "code.vrt"
    path.write_text(text)
    ((mean, message),) = read(str(path), GDAL_VRT_ENABLE_PYTHON="YES")
    assert mean is None and "cannot be read" in message
    assert not mark.exists()


def test_drivers_that_are_not_there_anyway_are_not_spoken_of(raster, tmp_path):
    """rasterio's GDAL and fiona's warn of each name in GDAL_SKIP that they do not know, on stderr where no logging is set up."""
    area = tmp_path / "area.geojson"
    area.write_text('{"type": "Polygon", "coordinates": [[[13.4, 52.5], [13.41, 52.5], [13.41, 52.51], [13.4, 52.5]]]}')
    code = (
        "import rasterio, sys; from engine.geo.area import read_area; from engine.geo.source import RasterSource;"
        "RasterSource(sys.argv[1], 'before'); read_area(sys.argv[2], rasterio.CRS.from_epsg(32633))"
    )
    done = subprocess.run([sys.executable, "-c", code, raster(), str(area)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr == ""
