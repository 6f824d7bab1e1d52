"""One mask for both dates: outside it the model sees the same in both, inside it nothing is touched."""

import numpy as np
import pytest
import rasterio

from engine.contract.request import CaptionRequest
from engine.geo.grid import TileGrid
from engine.geo.pair import RasterPair
from engine.geo.validity.joint import MID_GREY, fill_jointly
from engine.run.reading import read_tile


def drawn(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.integers(0, 256, (*shape[:-2], 3, *shape[-2:]), dtype=np.uint8) for _ in range(2))


def masks(*shape, seed=1):
    rng = np.random.default_rng(seed)
    return tuple(rng.random(shape) < 0.6 for _ in range(2))


def test_common_ground_stays_and_the_rest_is_alike():
    (before, after), (valid_before, valid_after) = drawn(40, 30), masks(40, 30)
    filled_before, filled_after = fill_jointly(before, after, valid_before, valid_after)
    common = valid_before & valid_after
    assert (filled_before[:, common] == before[:, common]).all() and (filled_after[:, common] == after[:, common]).all()
    assert (filled_before[:, ~common] == filled_after[:, ~common]).all()
    assert filled_before.dtype == filled_after.dtype == np.uint8


def test_what_one_date_alone_shows_has_no_influence():
    (before, after), (valid_before, valid_after) = drawn(40, 30), masks(40, 30)
    common = valid_before & valid_after
    others = drawn(40, 30, seed=5)
    filled = fill_jointly(before, after, valid_before, valid_after)
    again = fill_jointly(*(np.where(common, date, other) for date, other in zip((before, after), others)), valid_before, valid_after)
    swapped = fill_jointly(after, before, valid_after, valid_before)
    assert all((one == other).all() for one, other in zip(filled, again))
    assert all((one == other).all() for one, other in zip(filled, swapped[::-1]))


def test_a_batch_is_filled_as_its_tiles_are():
    (before, after), (valid_before, valid_after) = drawn(5, 20, 20), masks(5, 20, 20)
    valid_after[2] = False
    batch = fill_jointly(before, after, valid_before, valid_after)
    for i in range(5):
        alone = fill_jointly(before[i], after[i], valid_before[i], valid_after[i])
        assert all((one[i] == other).all() for one, other in zip(batch, alone))
    assert (batch[0][2] == MID_GREY).all() and (batch[1][2] == MID_GREY).all()


def test_whole_tiles_are_not_copied():
    before, after = drawn(8, 8)
    whole = np.ones((8, 8), bool)
    filled = fill_jointly(before, after, whole, whole)
    assert filled[0] is before and filled[1] is after


def write(path, pixels, **profile):
    form = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": pixels.shape[1], "width": pixels.shape[2], "crs": "EPSG:32633", "nodata": 0}
    with rasterio.open(path, "w", **form, transform=rasterio.Affine(0.5, 0, 391_360.0, 0, -0.5, 5_820_032.0), **profile) as raster:
        raster.write(pixels)
    return str(path)


@pytest.fixture
def read(tmp_path):
    """Read the tile at row, col of a pair of rasters given as arrays, tiles of 64 pixels."""

    def read_at(before, after, row=0, col=0, **members):
        request = CaptionRequest(write(tmp_path / "before.tif", before), write(tmp_path / "after.tif", after), tile_px=64, **members)
        with RasterPair.open(request, 0.5) as pair:
            return read_tile(request, pair, TileGrid(pair.height, pair.width, pair.transform, pair.crs, 64).ref(row, col))

    return read_at


@pytest.mark.parametrize(
    "hole", [np.s_[:, :20], np.s_[:, 44:], np.s_[:20], np.s_[44:], np.s_[20:40, 10:50]], ids="left right top bottom hole".split()
)
@pytest.mark.parametrize("date", [0, 1], ids=["before", "after"])
def test_a_tile_shows_no_ground_of_one_date_alone(read, hole, date):
    rng = np.random.default_rng(3)
    dates = [rng.integers(1, 256, (3, 64, 64), dtype=np.uint8) for _ in range(2)]
    dates[date][(slice(None), *np.index_exp[hole])] = 0
    tile, before, after = read(*dates)
    assert tile.status == "ready"
    assert (before[:, ~tile.valid] == after[:, ~tile.valid]).all() and not tile.valid.all()
    assert (before[:, tile.valid] == dates[0][:, tile.valid]).all() and (after[:, tile.valid] == dates[1][:, tile.valid]).all()
    assert {tile.valid_before, tile.valid_after} == {1.0, tile.valid.mean()}


def test_padding_beyond_the_raster_is_filled_and_is_no_missing_data(read):
    rng = np.random.default_rng(4)
    dates = [rng.integers(1, 256, (3, 70, 64), dtype=np.uint8) for _ in range(2)]
    tile, before, after = read(*dates, row=1)
    assert (tile.status, tile.valid_before, tile.valid_after, tile.valid.shape) == ("ready", 1.0, 1.0, (6, 64))
    assert (before[:, :6] == dates[0][:, 64:]).all() and (after[:, :6] == dates[1][:, 64:]).all()
    colour = np.rint(np.concatenate(dates, axis=2)[:, 64:].mean(axis=(1, 2)))
    assert (before[:, 6:] == colour[:, None, None]).all() and (after[:, 6:] == colour[:, None, None]).all()


def test_a_tile_is_skipped_by_what_both_dates_lack_together(read):
    rng = np.random.default_rng(4)
    before, after = (rng.integers(1, 256, (3, 64, 64), dtype=np.uint8) for _ in range(2))
    before[:, :, :24], after[:, :, 40:] = 0, 0
    tile, *pixels = read(before, after)
    assert (tile.status, pixels) == ("skipped_nodata", [None, None])
    assert (tile.valid_before, tile.valid_after) == (0.625, 0.625)
    tile, seen, _ = read(before, after, max_nodata=0.75)
    assert tile.status == "ready" and (seen[:, :, 24:40] == before[:, :, 24:40]).all()
