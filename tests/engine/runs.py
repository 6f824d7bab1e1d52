"""What the fixture rasters hold, the program as a process, and what is in an output."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import rasterio

import fakes

ROOT = Path(__file__).resolve().parents[2]
FAKES = Path(fakes.__file__)
CHANGED_TILES = {(0, 0), (1, 2), (3, 3)}
NODATA_TILE = (2, 1)
TILE_PX = 64


def draw_pair(folder, rows=4, cols=4, name="", **profile):
    """Write before.tif and after.tif of rows × cols tiles of 64 pixels, some changed, one without data in the after raster; return their paths."""
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
        path = Path(folder) / f"{name}{date}.tif"
        form = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": shape[1], "width": shape[2], "crs": "EPSG:32633", "nodata": 0}
        form["transform"] = rasterio.Affine(0.5, 0, 391_360.0, 0, -0.5, 5_820_032.0)
        with rasterio.open(path, "w", **form, tiled=True, blockxsize=64, blockysize=64, **profile) as raster:
            raster.write(pixels)
        paths.append(str(path))
    return paths


def table(path):
    """Rows of an output by tile, without what differs between equal runs."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute("SELECT * FROM change_captions")]
    tiles = {row["tile_id"]: {key: value for key, value in row.items() if key not in ("fid", "seconds")} for row in rows}
    assert len(tiles) == len(rows), "a tile is there twice"
    return tiles


def count(path):
    """Committed rows of an output, 0 before there is one."""
    if not Path(path).exists():
        return 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            return database.execute("SELECT count(*) FROM change_captions").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def start(folder, *arguments, delay_s=0.0, **pipes):
    """The command line with the fake's registry as a process."""
    environment = {**os.environ, "FAKE_DELAY_S": str(delay_s), "CHANGESCRIBE_MODELS": str(folder / "models")}
    command = [sys.executable, str(FAKES), str(folder / "registry"), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)
