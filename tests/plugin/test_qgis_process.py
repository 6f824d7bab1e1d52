"""The staged plugin in a fresh profile, driven by ``qgis_process``.

With the fake worker; and with the real engine where CHANGESCRIBE_PYTHON names its Python.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import FAKE_WORKER, ROOT, STAGED
from osgeo import gdal
from qgis.core import QgsVectorLayer

from helpers import write_raster

# Debian's wrapper adds an option that the command does not know.
QGIS_PROCESS = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
ENGINE_PYTHON = os.environ.get("CHANGESCRIBE_PYTHON", "")
GEOTIFF = Path(__file__).resolve().parents[3] / "shared" / "data" / "geotiff"

pytestmark = pytest.mark.skipif(QGIS_PROCESS is None, reason="qgis_process is not installed")
needs_engine = pytest.mark.skipif(not ENGINE_PYTHON, reason="needs the engine: name its Python in CHANGESCRIBE_PYTHON")
needs_data = pytest.mark.skipif(not GEOTIFF.is_dir(), reason=f"needs {GEOTIFF}")


@pytest.fixture
def profile(tmp_path):
    """A fresh QGIS profile that holds the staged plugin, enabled; returns a function that runs qgis_process in it."""
    plugins = tmp_path / "config" / "profiles" / "default" / "python" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "changescribe").symlink_to(STAGED / "changescribe")
    base = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "QT_QPA_PLATFORM": "offscreen", "LANG": "C.UTF-8"}
    base.update(QGIS_CUSTOM_CONFIG_PATH=str(tmp_path / "config"), PYTHONDONTWRITEBYTECODE="1")

    def run(*arguments, python="", **environment):
        env = {**base, "CHANGESCRIBE_PYTHON": str(python), **environment}
        return subprocess.run([QGIS_PROCESS, *arguments], env=env, capture_output=True, text=True, timeout=280, stdin=subprocess.DEVNULL)

    enabled = run("plugins", "enable", "changescribe")
    assert enabled.returncode == 0, enabled.stdout + enabled.stderr
    return run


def caption(run, before, after, output, *more, **options):
    return run("--json", "run", "changescribe:captionchanges", f"--BEFORE={before}", f"--AFTER={after}", f"--OUTPUT={output}", *more, **options)


def rows(path):
    layer = QgsVectorLayer(str(path), "grid")
    names = layer.fields().names()
    return [dict(zip(names, feature.attributes())) for feature in layer.getFeatures()]


def test_caption_changes_end_to_end(profile, rasters, tmp_path):
    done = caption(profile, rasters["before"], rasters["after"], tmp_path / "out.gpkg", python=FAKE_WORKER)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(done.stdout)["results"]
    assert (results["TILES"], results["CHANGED"]) == (16, 4)
    assert len(rows(tmp_path / "out.gpkg")) == 16


@pytest.mark.parametrize(
    ("mode", "message"), [("crash", "stopped unexpectedly (exit -9; probably out of memory)"), ("no_result", "stopped unexpectedly")]
)
def test_a_failing_engine_is_a_failing_command(profile, rasters, tmp_path, mode, message):
    done = caption(profile, rasters["before"], rasters["after"], tmp_path / "out.gpkg", python=FAKE_WORKER, FAKE_WORKER_MODE=mode)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr


def test_without_an_engine_the_command_says_what_to_do(profile, rasters, tmp_path):
    done = caption(profile, rasters["before"], rasters["after"], tmp_path / "out.gpkg")
    assert done.returncode != 0
    assert "the captioning engine is not set up" in done.stdout + done.stderr
    assert "INSTALL=true" in done.stdout + done.stderr


def test_engine_status_writes_a_report(profile, tmp_path):
    done = profile("run", "changescribe:enginestatus", f"--REPORT={tmp_path / 'report.html'}", python=FAKE_WORKER)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "<th align='left'>Engine: device</th><td>cpu</td>" in (tmp_path / "report.html").read_text()


@needs_engine
def test_the_real_engine_captions_generated_rasters(profile, tmp_path):
    """512 by 512 pixels of 0.5 m: four tiles; the after raster has data in its upper half only."""
    before = write_raster(tmp_path / "before.tif", size=512, pixel=0.5)
    after = write_raster(tmp_path / "after.tif", size=512, pixel=0.5)
    dataset = gdal.Open(after, gdal.GA_Update)
    for band in (1, 2, 3):
        values = dataset.GetRasterBand(band).ReadAsArray() // 2 + 1
        values[256:] = 0
        dataset.GetRasterBand(band).WriteArray(values)
        dataset.GetRasterBand(band).SetNoDataValue(0)
    dataset = None
    done = caption(profile, before, after, tmp_path / "out.gpkg", python=ENGINE_PYTHON)
    assert done.returncode == 0, done.stdout + done.stderr
    statuses = {row["tile_id"]: row["status"] for row in rows(tmp_path / "out.gpkg")}
    assert [statuses[f"r00001_c0000{col}"] for col in (0, 1)] == ["skipped_nodata"] * 2
    assert {statuses[f"r00000_c0000{col}"] for col in (0, 1)} <= {"captioned", "unchanged"}


@needs_engine
def test_the_real_engines_error_reaches_the_user(profile, rasters, tmp_path):
    broken = tmp_path / "broken.tif"
    whole = Path(rasters["after"]).read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    done = caption(profile, rasters["before"], broken, tmp_path / "out.gpkg", python=ENGINE_PYTHON)
    assert done.returncode != 0
    assert "broken.tif cannot be read" in done.stdout + done.stderr
    assert "To do:" in done.stdout + done.stderr


@needs_engine
@needs_data
@pytest.mark.parametrize("name", ["fotbcd/Binary_test_114", "sentinel2/bercy", "utm_float32/2_1"])
def test_toolbox_and_command_line_say_the_same(profile, tmp_path, name):
    """Real pairs: aerial in Lambert 93, Sentinel-2 in degrees, and 32-bit floats in UTM."""
    (before,) = GEOTIFF.glob(f"{name}_before*.tif")
    (after,) = GEOTIFF.glob(f"{name}_after*.tif")
    done = caption(profile, before, after, tmp_path / "toolbox.gpkg", f"--HEATMAP={tmp_path / 'toolbox.tif'}", python=ENGINE_PYTHON)
    assert done.returncode == 0, done.stdout + done.stderr
    command = [ENGINE_PYTHON, "-m", "engine", "caption", str(before), str(after), "-o", str(tmp_path / "command.gpkg")]
    command += ["--heatmap", str(tmp_path / "command.tif")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=280)
    columns = ("tile_id", "caption", "changed", "change_score", "added", "removed", "altered", "status")
    toolbox, command_line = ([[row[column] for column in columns] for row in rows(tmp_path / file)] for file in ("toolbox.gpkg", "command.gpkg"))
    assert toolbox == command_line
    assert len(toolbox) > 0
    heat, same = (gdal.Open(str(tmp_path / file)) for file in ("toolbox.tif", "command.tif"))
    assert (heat.GetGeoTransform(), heat.GetProjection()) == (same.GetGeoTransform(), same.GetProjection())
    assert (heat.ReadAsArray() == same.ReadAsArray()).all()
    raster = gdal.Open(str(before))
    assert (heat.RasterXSize, heat.RasterYSize) == (raster.RasterXSize, raster.RasterYSize)
    assert heat.GetGeoTransform() == pytest.approx(raster.GetGeoTransform(), rel=1e-12)


def test_a_model_file_and_a_series_as_the_docs_say(profile, rasters, tmp_path):
    """Two commands of docs/processing.md in a real qgis_process; test_recipe.py runs all of them in this one."""
    folder = tmp_path / "series"
    folder.mkdir()
    for date in ("2019", "2023"):
        shutil.copy(rasters["before"], folder / f"town_{date}.tif")
    series = ("--SERIES_PATTERN={place}_{date}.tif", f"--OUTPUT_FOLDER={tmp_path / 'out'}", f"--SUMMARY={tmp_path / 'pairs.csv'}")
    done = profile("run", "changescribe:captionbatch", f"--FOLDER={folder}", *series, python=FAKE_WORKER)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(row["name"], row["status"]) for row in rows(tmp_path / "pairs.csv")] == [("town_2019_2023", "done")]
    model = ROOT / "resources" / "processing" / "changed_tiles_by_area.model3"
    listed = profile("help", str(model))
    assert listed.returncode == 0, listed.stdout + listed.stderr
    assert "joined:changed_tiles" in listed.stdout
