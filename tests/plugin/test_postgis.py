"""PostGIS as a source of rasters and as a place for results, with a server of the test's own on the loopback address."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from osgeo import gdal
from qgis.core import QgsProject, QgsRasterLayer, QgsVectorLayer

from helpers import run, sent, write_raster

BINARIES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
EXTENSIONS = list(Path("/usr/share/postgresql").glob("*/extension/postgis_raster.control"))
pytestmark = pytest.mark.skipif(BINARIES is None or not EXTENSIONS, reason="PostgreSQL with PostGIS is not installed (postgresql-postgis)")

# 64 × 64 pixels of 8 m in UTM 33N as write_raster makes them, bands of 50, 100 and 150.
RASTER = (
    "CREATE EXTENSION postgis; CREATE EXTENSION postgis_raster; CREATE TABLE ortho (rid serial PRIMARY KEY, rast raster);"
    "INSERT INTO ortho (rast) SELECT ST_AddBand(ST_AddBand(ST_AddBand(ST_MakeEmptyRaster(64, 64, 500000, 5000000, 8, -8, 0, 0, 32633),"
    " '8BUI'::text, 50, NULL), '8BUI'::text, 100, NULL), '8BUI'::text, 150, NULL);"
    "SELECT AddRasterConstraints('ortho'::name, 'rast'::name);"
)


def as_postgres(*command):
    """PostgreSQL refuses to run as root."""
    return ("runuser", "-u", "postgres", "--", *map(str, command)) if os.geteuid() == 0 else tuple(map(str, command))


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Connection of a fresh server; its data lie where its user may write."""
    folder = Path("/tmp") / tmp_path_factory.mktemp("pg").parent.name / "postgis"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o777)
    folder.chmod(0o777)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    control = [BINARIES / "pg_ctl", "-D", folder / "data", "-w"]
    user = "postgres" if os.geteuid() == 0 else os.environ["USER"]
    subprocess.run(as_postgres(BINARIES / "initdb", "-D", folder / "data", "-U", user, "--auth=trust"), check=True, capture_output=True, cwd="/")
    options = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -p {port}"
    subprocess.run(as_postgres(*control, "-l", folder / "log", "-o", options, "start"), check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=60)
    connection = f"dbname='postgres' host=127.0.0.1 port={port} user='{user}'"
    try:
        psql = [str(BINARIES / "psql"), connection.replace("'", ""), "-q", "-v", "ON_ERROR_STOP=1"]
        made = subprocess.run(psql, input=RASTER, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
        yield connection
    finally:
        subprocess.run(as_postgres(*control, "-m", "immediate", "stop"), check=True, stdout=subprocess.DEVNULL, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)


def test_a_raster_of_postgis_is_written_to_a_geotiff_on_its_own_pixels(provider, engine, database, tmp_path, qgis_new_project):
    engine()
    layer = QgsRasterLayer(f'{database} key=\'rid\' table="public"."ortho" (rast)', "ortho", "postgresraster")
    assert layer.isValid(), layer.error().message()
    QgsProject.instance().addMapLayer(layer)
    run({"BEFORE": write_raster(tmp_path / "before.tif"), "AFTER": layer.id(), "OUTPUT": "memory:"})
    written = gdal.Open(sent(tmp_path / "fake_worker.jsonl")[-1]["after"])
    assert (written.RasterXSize, written.RasterYSize, written.RasterCount) == (64, 64, 3)
    assert written.GetGeoTransform() == pytest.approx((500000, 8, 0, 5000000, 0, -8))
    assert [int(band) for band in written.ReadAsArray(32, 32, 1, 1)[:, 0, 0]] == [50, 100, 150]


def test_results_in_postgis(provider, engine, database, rasters):
    engine()
    run({"BEFORE": rasters["before"], "AFTER": rasters["after"], "OUTPUT": f'postgis:{database} table="public"."changes" (geom)'})
    layer = QgsVectorLayer(f'{database} key=\'tile_id\' table="public"."changes" (geom)', "changes", "postgres")
    assert (layer.featureCount(), layer.crs().authid()) == (16, "EPSG:32633")
    assert "a row of houses is built along the road" in {feature["caption"] for feature in layer.getFeatures()}
