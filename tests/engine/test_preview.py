"""What the model will see, before the run."""

import base64
import io

import numpy as np
import pytest
import rasterio
from PIL import Image
from runs import NODATA_TILE, TILE_PX, draw_pair

from engine import registry
from engine.contract.errors import RasterError
from engine.contract.request import CaptionRequest
from engine.run import pipeline
from engine.run.preview import preview
from engine.run.reading import read_tile

import fakes


def seen(request):
    card = registry.card(request.model)
    with pipeline.opened(request, card) as (pair, grid):
        found = preview(request, card, pair, grid)
        (ref,) = [ref for ref in grid if ref.tile_id == found["tile_id"]]
        return found, read_tile(request, pair, ref)[1:]


def pixels(png):
    return np.moveaxis(np.asarray(Image.open(io.BytesIO(base64.b64decode(png)))), -1, 0)


def test_it_is_what_the_model_gets(request_of):
    found, (before, after) = seen(request_of(5, 5))
    assert found["tile_id"] == "r00002_c00002"
    assert (found["before"]["bands"], found["after"]["valid"]) == ([1, 2, 3], 1.0)
    card = registry.card(fakes.ID)
    assert found["gsd_m"] == pytest.approx(0.5 * TILE_PX / card.input_px)
    for name, expected in (("before", before), ("after", after)):
        shown = pixels(found[name]["png"])
        assert shown.shape == (3, card.input_px, card.input_px)
        assert abs(shown.mean() - expected.mean()) < 2
        assert (found[name]["low"], found[name]["high"]) == (None, None)


def test_the_stretch_is_the_whole_rasters(make_pair, fake_weights, tmp_path):
    paths = draw_pair(tmp_path, 3, 3)
    for path in paths:  # 12 bits in 16, brighter to the right
        with rasterio.open(path) as raster:
            values, profile = raster.read().astype(np.uint16) * 8, raster.profile
        values += np.linspace(0, 2000, values.shape[2]).astype(np.uint16)
        with rasterio.open(path, "w", **{**profile, "dtype": "uint16", "nodata": None}) as raster:
            raster.write(values)
    whole = CaptionRequest(*paths, model=fakes.ID, tile_px=TILE_PX)
    with rasterio.open(paths[0]) as raster:
        left, bottom, right, top = raster.bounds
    half = (left, bottom, left + (right - left) / 3, top)
    found, part = seen(whole)[0], seen(whole.with_(extent=half))[0]
    assert found["before"]["low"] == part["before"]["low"]
    assert 500 < found["before"]["low"][0] < found["before"]["high"][0] < 4000
    assert part["tile_id"] == "r00001_c00000"


def test_a_tile_without_data_is_passed_over(request_of):
    row, col = NODATA_TILE
    request = request_of(4, 4)
    with rasterio.open(request.before) as raster:
        x, y = raster.transform * ((col + 0.5) * TILE_PX, (row + 0.5) * TILE_PX)
    side = 0.6 * TILE_PX * 0.5  # reaches a little into the neighbours
    found, _ = seen(request.with_(extent=(x - side, y - side, x + side, y + side)))
    assert found["tile_id"] != f"r{row:05d}_c{col:05d}"
    assert found["after"]["valid"] > 0.9


def test_where_no_tile_has_data_one_is_shown_all_the_same(request_of):
    row, col = NODATA_TILE
    request = request_of(4, 4)
    with rasterio.open(request.before) as raster:
        x, y = raster.transform * ((col + 0.5) * TILE_PX, (row + 0.5) * TILE_PX)
    with pipeline.opened(request.with_(extent=(x - 1, y - 1, x + 1, y + 1)), registry.card(fakes.ID)) as (pair, grid):
        found = preview(request, registry.card(fakes.ID), pair, grid)
    assert (found["tile_id"], found["after"]["valid"]) == (f"r{row:05d}_c{col:05d}", 0.0)


def test_a_raster_that_was_overwritten_is_said(request_of):
    request = request_of(4, 4)
    card = registry.card(fakes.ID)
    with pipeline.opened(request, card) as (pair, grid):
        with open(request.after, "ab") as stream:
            stream.write(b"more")
        with pytest.raises(RasterError, match="was overwritten"):
            preview(request, card, pair, grid)
