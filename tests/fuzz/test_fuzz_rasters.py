"""Random bytes changed in small rasters: a clear error, or pixels and masks of the right form."""

import numpy as np
import pytest
import rasterio
from fuzz_budget import budget
from hypothesis import example, given
from hypothesis import strategies as st

from engine.contract.errors import ChangeScribeError
from engine.contract.request import CaptionRequest
from engine.geo.area import tile_grid
from engine.geo.pair import RasterPair

SIZE = 150
FORMS = {
    "tiled": {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate"},
    "strips": {},
    "lzw 16 bit": {"compress": "lzw", "dtype": "uint16", "predictor": 2},
    "float": {"dtype": "float32", "nodata": -9999.0},
    "jpeg": {"tiled": True, "compress": "jpeg", "photometric": "ycbcr"},
    "four bands": {"count": 4},
    "big": {"bigtiff": "yes"},
}


@pytest.fixture(scope="module")
def rasters(tmp_path_factory):
    """Folder, and bytes of a raster in each form; the whole one is the partner."""
    folder = tmp_path_factory.mktemp("rasters")
    pixels = np.random.default_rng(1).integers(1, 255, (4, SIZE, SIZE))
    made = {}
    for name, form in FORMS.items():
        profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": SIZE, "width": SIZE, "crs": "EPSG:32633"} | form
        profile["transform"] = rasterio.Affine(0.5, 0, 391_360.0, 0, -0.5, 5_820_032.0)
        path = folder / f"{name}.tif"
        with rasterio.open(path, "w", **profile) as raster:
            raster.write(pixels[: profile["count"]].astype(profile["dtype"]))
        made[name] = path.read_bytes()
    return folder, made


def read_some(before, after):
    """The first tiles of a pair, as a run reads them."""
    request = CaptionRequest(str(before), str(after), tile_px=64)
    with RasterPair.open(request, 0.5) as pair:
        grid = tile_grid(request, pair)
        assert len(grid) > 0
        for ref, _ in zip(grid, range(4)):
            old, new, valid_old, valid_new = pair.read(ref)
            assert old.shape == new.shape == (3, 64, 64) and old.dtype == new.dtype == np.uint8
            assert valid_old.shape == valid_new.shape == (64, 64) and valid_old.dtype == bool
            ring = np.asarray(grid.footprint(ref))
            assert ring.shape == (5, 2) and np.isfinite(ring).all()


changes = st.lists(st.tuples(st.floats(0, 1, exclude_max=True) | st.floats(0, 0.02), st.integers(0, 255)), min_size=1, max_size=8)


@budget(0.25)
@given(st.sampled_from(sorted(FORMS)), changes, st.booleans())
@example("strips", [(0.0, 0)], True)
def test_changed_bytes(rasters, form, changed, as_before):
    folder, made = rasters
    content = bytearray(made[form])
    for place, value in changed:
        content[int(place * len(content))] = value
    path = folder / "changed.tif"
    path.write_bytes(content)
    whole = folder / "tiled.tif"
    try:
        read_some(*((path, whole) if as_before else (whole, path)))
    except ChangeScribeError as error:
        assert error.got and error.need and error.do


@budget(0.05)
@given(st.sampled_from(sorted(FORMS)), st.floats(0, 1), st.binary(max_size=40))
def test_cut_and_continued_otherwise(rasters, form, place, tail):
    folder, made = rasters
    path = folder / "cut.tif"
    path.write_bytes(made[form][: int(place * len(made[form]))] + tail)
    try:
        read_some(path, folder / "tiled.tif")
    except ChangeScribeError as error:
        assert error.got and error.need and error.do
