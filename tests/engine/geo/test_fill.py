"""Fill that no tag declares: found by value and place, never ground."""

import numpy as np
import pytest
import rasterio
from made_ground import opened, whole
from rasterio.windows import Window
from test_validity import SIZE, picture, written  # noqa: F401 - a fixture

from engine.contract.request import CaptionRequest
from engine.geo.pair import RasterPair

ROWS, COLS = np.mgrid[:SIZE, :SIZE]
SHAPES = {
    "a half": COLS >= SIZE // 2,
    "a strip": COLS < 20,
    "around a turned image": (COLS + 0.3 * ROWS < 90) | (COLS + 0.3 * ROWS > 400) | (ROWS - 0.3 * COLS < -40) | (ROWS - 0.3 * COLS > 300),
    "a notch": (ROWS < 90) & (COLS > 120) & (COLS < 250),
}


def fills(pair):
    return [warning for warning in pair.warnings if "no tag declares" in warning]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("dtype", "value"), [("uint8", 255), ("uint8", 0), ("uint8", 77), ("uint16", 65535), ("int16", -9999), ("float32", -3.4028234663852886e38)]
)
def test_fill_is_no_data_and_told_once(written, shape, dtype, value):  # noqa: F811
    where = SHAPES[shape]
    after = picture(1).astype(dtype)
    after[:, where] = value
    before = written(picture(0))
    with opened(before, written(after)) as pair:
        _, image, valid_before, valid = whole(pair)
        assert valid_before.all()
        assert np.array_equal(valid, ~where)
        assert len(fills(pair)) == 1 and "after raster" in fills(pair)[0]
        assert f"{np.dtype(dtype).type(value):.8g}" in fills(pair)[0]
        assert pair.stretch_after.low[0] >= 0  # nothing of the fill in the stretch
        assert image[:, valid].std() > 20
    with opened(before, written(after), resolution=1.5) as pair:
        assert whole(pair)[3][4:-4, 4:-4].mean() == pytest.approx((~where)[12:-12, 12:-12].mean(), abs=0.02)


@pytest.mark.parametrize("tile", [64, 100, 256])
def test_the_same_pixel_whatever_the_window(written, tile):  # noqa: F811
    pixels = picture(1)
    pixels[:, SHAPES["around a turned image"]] = 0
    pixels[:, 150:170, 150:190] = 0  # a black roof that does not reach the border
    path = written(pixels)
    with opened(path, path) as pair:
        valid = whole(pair)[2]
        for row in range(0, SIZE - tile + 1, tile):
            for col in range(0, SIZE - tile + 1, tile):
                assert np.array_equal(pair.read(Window(col, row, tile, tile))[2], valid[row : row + tile, col : col + tile])
    assert valid[150:170, 150:190].all()


def test_none_keeps_it_and_a_value_names_it(written):  # noqa: F811
    pixels = picture(1)
    pixels[:, :, 200:] = 255
    pixels[:, 100:120, 100:120] = 255
    path = written(pixels)
    with opened(path, path, fill="none") as pair:
        assert whole(pair)[2].all() and not fills(pair)
    with opened(path, path, fill=255) as pair:
        valid = whole(pair)[2]
        assert not fills(pair)
    assert not valid[:, 200:].any() and not valid[100:120, 100:120].any() and valid.mean() > 0.5


def ground_like(kind):
    rng = np.random.default_rng(3)
    pixels = picture(1)
    area = ROWS + COLS < 260
    if kind == "saturated snow":  # most pixels at the limit, not all
        bright = np.clip(250 + 12 * rng.normal(size=(3, SIZE, SIZE)), 0, 255).astype(np.uint8)
        pixels[:, area] = bright[:, area]
    elif kind == "dark water":
        pixels[:, area] = rng.integers(0, 3, (3, SIZE, SIZE), dtype=np.uint8)[:, area]
    elif kind == "calm water of a lossy image":  # one value in the middle, which fades out towards the shore
        depth = np.clip((260 - ROWS - COLS) // 8, 0, 12)
        pixels[:, area] = (60 - depth)[area]
    elif kind == "a white roof inside":
        pixels[:, 100:200, 100:200] = 255
    elif kind == "a white corner of some pixels":
        pixels[:, :15, :15] = 255
    return pixels


@pytest.mark.parametrize(
    "kind", ["saturated snow", "dark water", "calm water of a lossy image", "a white roof inside", "a white corner of some pixels"]
)
def test_ground_stays_data(written, kind):  # noqa: F811
    path = written(ground_like(kind))
    with opened(path, path) as pair:
        assert whole(pair)[2].all() and not fills(pair)


@pytest.mark.parametrize("profile", [{}, {"nodata": 0}, {"nodata": 255}])
def test_noise_around_fill_in_a_lossy_file(written, profile):  # noqa: F811
    where = (ROWS + COLS > 520) | (COLS < 45)
    pixels = picture(1)
    pixels[:, where] = profile.get("nodata", 255)
    path = written(pixels, compress="JPEG", photometric="YCBCR", tiled=True, blockxsize=128, blockysize=128, **profile)
    with opened(path, path) as pair:
        valid = whole(pair)[2]
        assert len(fills(pair)) == (0 if profile else 2)
        for row, col in ((0, 0), (128, 128), (200, 90), (256, 256)):
            assert np.array_equal(pair.read(Window(col, row, 128, 128))[2], valid[row : row + 128, col : col + 128])
    assert valid.mean() == pytest.approx((~where).mean(), abs=0.015)
    assert valid[~where].mean() > 0.99


def test_a_large_raster_is_sampled_not_read(tmp_path):
    """Two hundred million pixels without overviews: border and map are looked at in single blocks."""
    path = str(tmp_path / "large.tif")
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": 14_000, "width": 14_000, "crs": "EPSG:32631", "compress": "deflate"}
    transform = rasterio.Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000)
    block = picture(2, 512)[:1]
    with rasterio.open(path, "w", transform=transform, tiled=True, blockxsize=512, blockysize=512, sparse_ok=True, **profile) as out:
        for row in range(0, 7_000, 2_048):  # the rest was never written: 0
            for col in range(0, 14_000, 512):
                height, width = min(512, 7_000 - row), min(512, 14_000 - col)
                out.write(block[:, :height, :width], window=Window(col, row, width, height))
    with RasterPair.open(CaptionRequest(path, path), 0.5) as pair:
        assert len(fills(pair)) == 2
        assert not pair.read(Window(5_000, 13_000, 256, 256))[2].any()
        assert pair.read(Window(5_000, 100, 256, 256))[2].all()


def test_real_images_have_no_fill(real):
    """Nothing is taken for fill in the shipped pairs but what their tags declare."""
    for path in sorted(real.glob("fotbcd/*_after.tif"))[:3] + sorted(real.glob("landsat_tm/*_200?.tif")) + sorted(real.glob("naip_dakota/*.tif")):
        with opened(str(path), str(path)) as pair:
            assert not fills(pair), path
