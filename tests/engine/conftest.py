"""Rasters made in code, and a registry that holds the fake captioner alone."""

import sys

import numpy as np
import pytest
import rasterio
from runs import CHANGED_TILES, NODATA_TILE, TILE_PX

from engine import registry
from engine.schema import CaptionRequest

import fakes


@pytest.fixture
def fake_weights(tmp_path, monkeypatch):
    """The registry in ``tmp_path/registry``; returns the path of the fake's weights."""
    monkeypatch.setattr(registry, "RESOURCES", registry.RESOURCES)
    monkeypatch.setitem(sys.modules, "engine.models.fake", fakes)
    monkeypatch.setenv("CHANGESCRIBE_MODELS", str(tmp_path / "models"))
    return fakes.install(tmp_path / "registry")


@pytest.fixture
def make_pair(tmp_path):
    """Writes before.tif and after.tif of rows × cols tiles of 64 pixels; some changed, one without data in the after raster."""

    def make(rows=4, cols=4, name=""):
        rng = np.random.default_rng(7)
        shape = (3, rows * TILE_PX, cols * TILE_PX)
        before = rng.integers(80, 140, shape, dtype=np.uint8)
        before[:, ::TILE_PX, ::TILE_PX] = 100  # what FakeCaptioner.fail_at looks at
        after = before.copy()
        for row in range(rows):
            for col in range(cols):
                tile = (slice(None), slice(row * TILE_PX, (row + 1) * TILE_PX), slice(col * TILE_PX, (col + 1) * TILE_PX))
                if (row % 4, col % 4) in CHANGED_TILES:
                    after[tile] += np.uint8(20 + (row * cols + col) % 40)
                if (row, col) == NODATA_TILE:
                    after[tile] = 0
        paths = []
        for date, pixels in (("before", before), ("after", after)):
            path = tmp_path / f"{name}{date}.tif"
            profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": shape[1], "width": shape[2], "crs": "EPSG:32633", "nodata": 0}
            transform = rasterio.Affine(0.5, 0, 391_360.0, 0, -0.5, 5_820_032.0)
            with rasterio.open(path, "w", **profile, transform=transform, tiled=True, blockxsize=64, blockysize=64) as raster:
                raster.write(pixels)
            paths.append(str(path))
        return paths

    return make


@pytest.fixture
def request_of(make_pair, fake_weights):
    def make(rows=4, cols=4, **members):
        before, after = make_pair(rows, cols)
        return CaptionRequest(before, after, model=fakes.ID, tile_px=TILE_PX, **members)

    return make
