"""The bundled model on the drawn sample with gaps in one date: a gap is no change."""

import numpy as np
import pytest
import rasterio

from engine import registry
from engine.contract.errors import ModelError
from engine.contract.request import DEFAULT_MODEL, CaptionRequest
from engine.demo.render import SKIES, render
from engine.demo.scene import plan
from engine.run import pipeline

TILE_PX = 256
SIDES = ("left", "right", "top", "bottom")


@pytest.fixture(scope="module")
def captioner():
    try:
        registry.verify(DEFAULT_MODEL)
    except ModelError as error:
        pytest.skip(str(error))
    return registry.load(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def scene():
    """One scene in two seasons and lights, (3, 768, 1280) each."""
    return [np.maximum(render(plan()[0], SKIES[i], season, seed=i)[:, :768], 1) for i, season in enumerate((0.3, 0.8))]


def flags(captioner, folder, before, after, nodata=0):
    """Whether each tile is changed, by row and column."""
    for date, pixels in (("before", before), ("after", after)):
        form = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": pixels.shape[1], "width": pixels.shape[2], "crs": "EPSG:32633"}
        place = rasterio.Affine(0.5, 0, 391_360.0, 0, -0.5, 5_820_032.0)
        with rasterio.open(folder / f"{date}.tif", "w", **form, transform=place, nodata=nodata) as raster:
            raster.write(pixels)
    found = {}

    def event(message):
        if message["type"] == "tile":
            tile = message["tile"]["properties"]
            found[tile["row"], tile["col"]] = tile["changed"]

    pipeline.run(CaptionRequest(str(folder / "before.tif"), str(folder / "after.tif")), None, captioner=captioner, on_event=event)
    return found


def with_gaps(pixels, width):
    """A strip without data in each tile, at the sides in turn."""
    pixels = pixels.copy()
    for number, (row, col) in enumerate(np.ndindex(pixels.shape[1] // TILE_PX, pixels.shape[2] // TILE_PX)):
        tile = pixels[:, row * TILE_PX : (row + 1) * TILE_PX, col * TILE_PX : (col + 1) * TILE_PX]
        {"left": tile[:, :, :width], "right": tile[:, :, -width:], "top": tile[:, :width], "bottom": tile[:, -width:]}[SIDES[number % 4]][:] = 0
    return pixels


@pytest.mark.parametrize("width", [32, 64, 96, 120])
def test_a_strip_without_data_in_one_date_is_no_change(captioner, scene, tmp_path, width):
    before, after = scene
    dates = (before, with_gaps(after, width)) if width != 96 else (with_gaps(before, width), after)
    found = flags(captioner, tmp_path, *dates)
    assert len(found) == 15 and sum(found.values()) == 0


def test_dark_strips_that_are_data_are_seen(captioner, scene, tmp_path):
    """What the strips above would be without a mask."""
    before, after = scene
    gaps = with_gaps(after, 120)
    dark = np.random.default_rng(0).integers(1, 5, after.shape, dtype=np.uint8)
    assert sum(flags(captioner, tmp_path, before, np.where(gaps == 0, dark, after)).values()) > 3
