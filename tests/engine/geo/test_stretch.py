"""One stretch a raster."""

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from engine.contract.request import CaptionRequest
from engine.contract.tiles import TileRef
from engine.geo.pair import RasterPair
from engine.geo.stretch import IDENTITY, Stretch, choose_stretch, sample_windows


def reader(image, valid=None, log=None):
    valid = np.ones(image.shape[1:], bool) if valid is None else valid

    def read(window):
        part = (slice(window.row_off, window.row_off + window.height), slice(window.col_off, window.col_off + window.width))
        if log is not None:
            log.append(window.height * window.width)
        return np.where(valid[part], image[(slice(None), *part)], 0).astype(np.float32), valid[part]

    return read


def test_percentiles_of_each_band():
    image = np.stack([np.linspace(start, start + 1000, 300 * 300).reshape(300, 300) for start in (0, 5000, -700)])
    stretch, found = choose_stretch(reader(image), TileRef(0, 0, 0, 0, 300, 300), np.dtype("int16"), "percentile", "before")
    assert found
    assert stretch.low == pytest.approx((20, 5020, -680), abs=3) and stretch.high == pytest.approx((980, 5980, 280), abs=3)
    shown = stretch.apply(image.astype(np.float32), np.ones((300, 300), bool))
    assert shown.dtype == np.uint8 and (shown.min(), shown.max()) == (0, 255)
    assert np.abs(shown[0].astype(int) - shown[1]).max() <= 1


def test_8_bit_stays_as_it_is_unless_its_range_is_plainly_unused():
    rng = np.random.default_rng(0)
    window, uint8 = TileRef(0, 0, 0, 0, 200, 200), np.dtype("uint8")
    usual = rng.integers(60, 190, (3, 200, 200))
    dark = rng.integers(3, 30, (3, 200, 200))
    assert choose_stretch(reader(usual), window, uint8, "percentile", "before") == (IDENTITY, True)
    stretch, _ = choose_stretch(reader(dark), window, uint8, "percentile", "before")
    assert stretch.low == (3, 3, 3) and stretch.high == (29, 29, 29)
    assert choose_stretch(reader(dark), window, uint8, "none", "before") == (IDENTITY, True)
    values = np.arange(256, dtype=np.float32)[None, None].repeat(3, 0)
    assert (IDENTITY.apply(values, np.ones((1, 256), bool)) == values).all()


def test_only_valid_pixels_count():
    image = np.full((3, 100, 100), 7777.0)
    valid = np.zeros((100, 100), bool)
    image[:, 40:50, 60:80], valid[40:50, 60:80] = np.linspace(100, 200, 200).reshape(10, 20), True
    stretch, found = choose_stretch(reader(image, valid), TileRef(0, 0, 0, 0, 100, 100), np.dtype("uint16"), "percentile", "after")
    assert found and stretch.low == pytest.approx((102,) * 3, abs=1) and stretch.high == pytest.approx((198,) * 3, abs=1)


def test_little_data_in_a_large_raster_is_found():
    image, valid = np.zeros((3, 3000, 3000), np.float32), np.zeros((3000, 3000), bool)
    image[:, 1111:1131, 777:797], valid[1111:1131, 777:797] = 42, True
    image[:, 1111:1121, 777:797] = 50
    stretch, found = choose_stretch(reader(image, valid), TileRef(0, 0, 0, 0, 3000, 3000), np.dtype("uint16"), "percentile", "after")
    assert found and stretch.low[0] == 42 and stretch.high[0] == 50


def test_nothing_valid():
    image, valid = np.zeros((3, 50, 50)), np.zeros((50, 50), bool)
    assert choose_stretch(reader(image, valid), TileRef(0, 0, 0, 0, 50, 50), np.dtype("float32"), "percentile", "after") == (IDENTITY, False)


def test_a_constant_band_divides_by_nothing():
    stretch = Stretch((5.0, 5.0, 0.0), (5.0, 5.0, 10.0))
    with np.errstate(all="raise"):
        shown = stretch.apply(np.full((3, 2, 2), 5.0, np.float32), np.ones((2, 2), bool))
    assert shown[:, 0, 0].tolist() == [0, 0, 128]


def test_few_pixels_of_a_large_raster_are_read():
    image = np.random.default_rng(0).integers(0, 9000, (3, 4096, 4096))
    log = []
    choose_stretch(reader(image, log=log), TileRef(0, 0, 0, 0, 4096, 4096), np.dtype("uint16"), "percentile", "before")
    assert sum(log) == 64 * 64 * 64


@pytest.mark.parametrize(("height", "width", "lattice", "size_px"), [(1000, 1000, 4, 256), (100, 1000, 8, 64), (30, 40, 8, 64), (64, 65, 8, 64)])
def test_sample_windows_lie_inside_and_reach_the_corners(height, width, lattice, size_px):
    windows = list(sample_windows(height, width, lattice, size_px))
    assert len(windows) == min(lattice, -(-height // size_px)) * min(lattice, -(-width // size_px))
    for window in windows:
        assert 0 <= window.row_off <= window.row_off + window.height <= height
        assert 0 <= window.col_off <= window.col_off + window.width <= width
    if height >= size_px and width >= 2 * size_px:
        assert windows[-1].col_off + windows[-1].width == width


def test_every_tile_of_a_raster_is_stretched_alike(raster):
    """Two halves of very different brightness keep their difference: a stretch per tile would lose it."""
    path = raster(dtype="uint16")
    with rasterio.open(path, "r+") as dataset:
        pixels = dataset.read()
        pixels[:, :, :105] //= 4
        dataset.write(pixels)
    with RasterPair.open(CaptionRequest(path, path), 0.5) as pair:
        dark, bright = (pair.read(Window(col, 0, 105, 180))[0].mean() for col in (0, 105))
        before, after = (pair.read(Window(50, 20, 64, 64))[i] for i in (0, 1))
    assert bright > dark + 80
    assert (before == after).all()
