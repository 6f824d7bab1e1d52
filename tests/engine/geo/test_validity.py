"""What of a raster is data: transparency in all its forms, tags that are wrong, overviews of another picture."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from made_ground import opened, whole
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import from_origin

from engine.contract.errors import InputError
from engine.contract.validity import NodataSettings

RGBA = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
FIVE = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined, ColorInterp.alpha)
SIZE = 384


def picture(seed=0, size=SIZE):
    """Blurred noise (3, size, size) uint8, in 20..235, without a flat area."""
    noise = np.random.default_rng(seed).normal(size=(3, size, size))
    for axis in (1, 2):
        noise = sum(np.roll(noise, shift, axis) for shift in range(-2, 3))
    return np.clip(127 + 6 * noise, 20, 235).astype(np.uint8)


@pytest.fixture
def written(tmp_path):
    count = iter(range(100))

    def write(pixels, colours=None, gsd=0.5, **profile):
        path = str(tmp_path / f"{next(count)}.tif")
        options = {"driver": "GTiff", "count": len(pixels), "height": pixels.shape[1], "width": pixels.shape[2], "dtype": pixels.dtype}
        options |= {"crs": "EPSG:32631", "transform": from_origin(500_000, 5_400_000, gsd, gsd), **profile}
        with rasterio.open(path, "w", **options) as out:
            out.write(pixels)
            if colours:
                out.colorinterp = colours
        return path

    return write


def left_half(value, other=255, dtype="uint8"):
    alpha = np.full((1, SIZE, SIZE), other, dtype)
    alpha[:, :, : SIZE // 2] = value
    return alpha


def shares(path, **members):
    """Valid shares of the left and the right half, natively and at three times the pixel size."""
    found = []
    for resolution in ("native", 1.5):
        with opened(path, path, resolution=resolution, **members) as pair:
            valid = whole(pair)[2]
            half = int(pair.width * (SIZE / 2) / pair.width / (1 if resolution == "native" else 3))
            inside = valid[4:-4, 4:-4]  # the warped grid reaches a little beyond the raster
            found.append((inside[:, : half - 6].mean(), inside[:, half + 2 :].mean()))
    return found


ALPHAS = {
    "bytes": (lambda p: np.concatenate([p, left_half(0)]), RGBA, {}),
    "opacity of the layer": (lambda p: np.concatenate([p, left_half(0, 115)]), RGBA, {}),
    "0 and 1": (lambda p: np.concatenate([p, left_half(0, 1)]), RGBA, {}),
    "16 bit": (lambda p: np.concatenate([p.astype("uint16") * 200, left_half(0, 65535, "uint16")]), RGBA, {}),
    "float": (lambda p: np.concatenate([p / 255, left_half(0, 1)]).astype("float32"), RGBA, {}),
    "beside a no-data value": (lambda p: np.concatenate([p, left_half(0)]), RGBA, {"nodata": 0}),
    "band 5": (lambda p: np.concatenate([p, p[:1], left_half(0)]), FIVE, {"photometric": "RGB"}),
    "band 5 without a tag": (lambda p: np.concatenate([p, p[:1], left_half(0)]), None, {"photometric": "RGB", "alpha": "no"}),
    "grey": (lambda p: np.concatenate([p[:1], left_half(0)]), (ColorInterp.gray, ColorInterp.alpha), {}),
}


@pytest.mark.parametrize("form", ALPHAS)
def test_transparent_half_is_no_data_at_any_resolution(written, form):
    pixels, colours, profile = ALPHAS[form]
    for left, right in shares(written(pixels(picture()), colours, **profile)):
        assert (left, right) == (0, 1)


@pytest.mark.parametrize("opacity", [1, 115, 255])
def test_opacity_of_a_whole_layer_hides_nothing(written, opacity):
    path = written(np.concatenate([picture(), np.full((1, SIZE, SIZE), opacity, np.uint8)]), RGBA)
    assert shares(path) == [(1, 1), (1, 1)]


def test_feathered_edges_count_alike_at_any_resolution(written):
    ramp = np.clip(np.arange(SIZE) * 2 - 200, 0, 255).astype(np.uint8)  # 0 up to column 100, opaque from 228
    path = written(np.concatenate([picture(), np.broadcast_to(ramp, (1, SIZE, SIZE))]), RGBA)
    found = []
    for resolution in ("native", 1.5):
        with opened(path, path, resolution=resolution) as pair:
            found.append(whole(pair)[2][8:-8].mean())
            of_alpha = [warning for warning in pair.warnings if "same raster" not in warning]
            assert of_alpha == [] or resolution != "native"
    assert found[0] == pytest.approx((ramp > 0).mean(), abs=0.01)
    assert found[1] == pytest.approx(found[0], abs=0.015)


@pytest.mark.parametrize("profile", [{}, {"nodata": 0}])
def test_near_infrared_tagged_as_alpha_hides_nothing(written, profile):
    infrared = picture(7)[:1]
    infrared[:, :200, :150] = 0  # a lake
    path = written(np.concatenate([picture(), infrared]), RGBA, **profile)
    assert shares(path) == [(1, 1), (1, 1)]
    with opened(path, path) as pair:
        told = [warning for warning in pair.warnings if "band 4 of the before raster is tagged as transparency" in warning]
        assert len(told) == 1
    with opened(path, path, before_bands=(4, 1, 2)) as pair:
        assert pair.before.bands == (4, 1, 2)
        assert np.array_equal(whole(pair)[0][0], infrared[0])


def test_values_beside_a_transparent_area_do_not_bleed_into_the_average(written):
    pixels = np.full((3, SIZE, SIZE), 100, np.uint8)
    pixels[:, ::2] = 104
    pixels[:, :, : SIZE // 2 + 1] = 255  # white under what is transparent, up to the middle of a coarse pixel
    alpha = left_half(0)
    alpha[:, :, SIZE // 2] = 0
    path = written(np.concatenate([pixels, alpha]), RGBA, nodata=0)
    with opened(path, path, resolution=1.5) as pair:
        image, _, valid, _ = whole(pair)
    assert valid.any() and image[:, valid].max() <= 104


def test_settings_of_qgis_are_followed(written):
    pixels = np.concatenate([picture(), left_half(0)])
    pixels[:3, :100] = 0
    pixels[:3, -100:] = 250
    path = written(pixels, RGBA, nodata=0)
    keep = NodataSettings(own=False, alpha=0)
    with opened(path, path, fill="none", before_nodata=keep) as pair:
        before, after = whole(pair)[2:]
    assert before.all() and not after[:100].any() and not after[:, : SIZE // 2].any()
    assert shares(path, fill="none", before_nodata=keep, after_nodata=keep) == [(1, 1), (1, 1)]
    with opened(path, path, before_nodata=NodataSettings(own=False, alpha=0)) as pair:  # the rows of 250 are fill, those of 0 are kept
        before = whole(pair)[2]
    assert before[:-100].all() and not before[-100:].any()
    further = NodataSettings(values=((249.5, 250),), alpha=0)
    with opened(path, path, fill="none", before_nodata=further) as pair:
        assert np.array_equal(whole(pair)[2].any(axis=1), [False] * 100 + [True] * (SIZE - 200) + [False] * 100)
    with pytest.raises(InputError, match="band 9 as transparency .*which has 4"):
        opened(path, path, before_nodata=NodataSettings(alpha=9))


@pytest.mark.parametrize("kind", [Resampling.average, Resampling.nearest, Resampling.cubic])
def test_overviews_of_another_picture_are_not_read(written, kind):
    old, new = (np.repeat(np.repeat(picture(seed), 4, 1), 4, 2) for seed in (1, 2))
    plain, stale = (written(old, gsd=0.125, tiled=True, blockxsize=256, blockysize=256) for _ in range(2))
    for path in (plain, stale):
        with rasterio.open(path, "r+") as out:
            out.build_overviews([2, 4, 8], kind)
    with rasterio.open(stale, "r+") as out:
        out.write(new)
    with opened(plain, stale, resolution=0.5) as pair:
        before, after, valid, _ = whole(pair)
        told = [warning for warning in pair.warnings if "overviews" in warning]
    assert len(told) == 1 and "after raster do not show its pixels" in told[0]
    inside = np.s_[:, 8:-8, 8:-8]
    for seed, image in ((1, before), (2, after)):
        wanted = picture(seed)
        image = image[:, :SIZE, :SIZE][inside].astype(float)
        assert np.corrcoef(image.ravel(), wanted[:, : image.shape[1] + 16, : image.shape[2] + 16][inside].ravel())[0, 1] > 0.9


REAL_PAIRS = ["naip_dakota/dakota_{}.tif 2014 2020", "landsat_tm/nanjing_{}.tif 2000 2002"]


@pytest.mark.parametrize("names", REAL_PAIRS)
def test_real_pairs_raise_no_warning_of_a_library(real, names):
    name, *years = names.split()
    before, after = (str(real / name.format(year)) for year in years)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        with opened(before, after) as pair:
            valid = whole(pair)[2]
            told = [warning for warning in pair.warnings if "tagged as transparency" in warning]
    assert valid.mean() > 0.99
    assert len(told) == (2 if "naip" in name else 0)


def test_the_command_line_prints_no_warning_of_a_library(written, tmp_path):
    path = written(np.concatenate([picture(), left_half(0)]), RGBA, nodata=0)
    command = [sys.executable, "-m", "engine", "caption", path, path, "-o", str(tmp_path / "out.gpkg"), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3], env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert ended.returncode == 0
    assert "Warning" not in ended.stderr
