"""Heat maps: every cell on its ground in any grid, overlaps, polygons, a killed run, a full disk, and every place that cannot be written."""

import math
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import fiona
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.warp import transform_geom

from engine.contract.errors import InputError, OutputError
from engine.contract.heatmap import HeatmapOutput
from engine.contract.tiles import Caption, TileCaption, TileRef
from engine.geo.grid import TileGrid
from engine.output import writer as writer_module
from engine.output.heat import NODATA, HeatWriter, merged, percentages

REPOSITORY = Path(__file__).resolve().parents[3]
UTM = rasterio.CRS.from_epsg(32633)
PLAIN = Affine(0.5, 0, 400_000, 0, -0.5, 5_800_000)
GRIDS = {
    "north up": (UTM, PLAIN),
    "rotated": (UTM, Affine.translation(400_000, 5_800_000) * Affine.rotation(37) * Affine.scale(0.5, -0.5)),
    "geographic": (rasterio.CRS.from_epsg(4326), Affine(8e-6, 0, 13.2, 0, -5e-6, 60.1)),
    "south up": (UTM, Affine(0.5, 0, 400_000, 0, 0.5, 5_800_000)),
}
RUN = {"request": {"before": "/a.tif", "seed": 0}}


def grid_of(name="north up", height=256, width=256, tile_px=64, overlap_px=0):
    crs, transform = GRIDS[name]
    return TileGrid(height, width, transform, crs, tile_px, overlap_px)


def cells(hot=(), rest=0.0, size=8):
    """A heat map of size × size cells; ``hot``: (row, col) → heat."""
    heat = np.full((size, size), rest, np.float32)
    for place, value in dict(hot).items():
        heat[place] = value
    return heat


def tile(grid, row, col, heat=None, changed=True, status="captioned", valid=None):
    ref = grid.ref(row, col)
    caption = Caption("a house was built", changed, 0.9, heatmap=heat) if status in ("captioned", "unchanged") else None
    return TileCaption(ref, caption, 1.0, 1.0, "fake", status, 0.1, grid.footprint(ref), valid)


def write(path, grid, tiles, threshold=None, **options):
    with HeatWriter.open(HeatmapOutput(str(path), threshold), grid, RUN, **options) as heat:
        for one in tiles:
            heat.add(one)
        heat.close()


def pixels(path):
    with rasterio.open(path) as raster:
        return raster.read(1)


def polygons(path):
    with fiona.open(path, layer="change_heat") as layer:
        return [(shapely.geometry.shape(feature.geometry), dict(feature.properties)) for feature in layer]


@given(st.integers(1, 64), st.integers(1, 64), st.integers(64, 200), st.integers(1, 40))
def test_a_pixel_has_the_value_of_the_cell_under_its_centre(height, width, tile_px, size):
    heat = np.arange(size * size).reshape(size, size) % 101 / 100
    found = percentages(TileCaption(TileRef(0, 0, 0, 0, height, width), Caption("x", True, 0.9, heatmap=heat), 1, 1, "fake", "captioned", 0), tile_px)
    row, col = height - 1, width // 2
    assert found.shape == (height, width)
    assert found[row, col] == round(100 * heat[math.floor((row + 0.5) * size / tile_px), math.floor((col + 0.5) * size / tile_px)])


@given(
    arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 1, 50, 100, NODATA])),
    arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 50, 100, NODATA])),
)
def test_any_percentage_counts_more_than_nodata(one, other):
    both = merged(one, other)
    wanted = np.maximum(np.where(one == NODATA, -1, one.astype(int)), np.where(other == NODATA, -1, other.astype(int)))
    assert (np.where(both == NODATA, -1, both.astype(int)) == wanted).all()


@pytest.mark.parametrize("name", GRIDS)
def test_a_hot_cell_lies_on_its_ground(tmp_path, name):
    grid = grid_of(name)
    write(tmp_path / "heat.tif", grid, [tile(grid, 1, 2, cells({(3, 5): 0.9}, 0.2))])
    write(tmp_path / "heat.gpkg", grid, [tile(grid, 1, 2, cells({(3, 5): 0.9}, 0.2))])
    # Tile (1, 2) begins at pixel (row 64, col 128) and its cells have 8 px: the hot one spans rows 88 to 96, columns 168 to 176.
    corners = [grid.transform * corner for corner in ((168, 88), (176, 88), (176, 96), (168, 96))]
    inside, beside = grid.transform * (175.5, 95.5), grid.transform * (176.5, 95.5)
    with rasterio.open(tmp_path / "heat.tif") as raster:
        assert (raster.crs, raster.shape) == (grid.crs, (256, 256))
        assert raster.transform.almost_equals(grid.transform)
        assert [int(value[0]) for value in raster.sample([inside, beside, grid.transform * (5, 5)])] == [90, 20, NODATA]
    ((polygon, properties),) = polygons(tmp_path / "heat.gpkg")
    assert polygon.equals(shapely.Polygon(corners)) or polygon.symmetric_difference(shapely.Polygon(corners)).area < 1e-6 * polygon.area
    assert (properties["tile_ids"], properties["score"]) == ("r00001_c00002", 0.9)
    ground = shapely.geometry.shape(transform_geom(grid.crs, "EPSG:32633", shapely.geometry.mapping(polygon)))
    assert properties["area_m2"] == pytest.approx(ground.area, rel=2e-3)  # UTM's scale is within 1 ‰ here


def test_only_changed_tiles_are_hot_and_only_tiles_with_data_are_there(tmp_path):
    grid = grid_of()
    valid = np.ones((64, 64), bool)
    valid[:, :10] = False
    tiles = [
        tile(grid, 0, 0, cells(rest=0.7)),
        tile(grid, 0, 1, cells(rest=0.7), changed=False, status="unchanged"),
        tile(grid, 0, 2, status="skipped_nodata"),
        tile(grid, 0, 3, status="failed"),
        tile(grid, 1, 0, cells(rest=0.7), valid=valid),
    ]
    write(tmp_path / "heat.tif", grid, tiles)
    found = pixels(tmp_path / "heat.tif")
    assert [np.unique(found[:64, col : col + 64]).tolist() for col in (0, 64, 128, 192)] == [[70], [0], [NODATA], [NODATA]]
    assert (np.unique(found[64:128, :10]).tolist(), np.unique(found[64:128, 10:64]).tolist()) == ([NODATA], [70])


def test_where_tiles_overlap_the_larger_heat_stays_in_any_order(tmp_path):
    grid = grid_of(overlap_px=32)
    tiles = [tile(grid, row, col, cells({(row, col): 0.9, (7 - row, 4): 0.6}, 0.1 * col)) for row in range(3) for col in range(3)]
    write(tmp_path / "one.tif", grid, tiles)
    write(tmp_path / "other.tif", grid, tiles[::-1])
    one = pixels(tmp_path / "one.tif")
    assert (one == pixels(tmp_path / "other.tif")).all()
    assert (one[:8, 32:40], one[:8, 40:48]) == (pytest.approx(10), pytest.approx(90))  # tile (0, 1) over tile (0, 0)
    assert (one[32:40, 0], one[32:40, 64]) == (pytest.approx(0), pytest.approx(20))


def test_edge_tiles_are_clipped_and_a_small_raster_is_written(tmp_path):
    grid = grid_of(height=70, width=50)
    write(tmp_path / "heat.tif", grid, [tile(grid, 0, 0, cells({(7, 6): 0.5})), tile(grid, 1, 0, cells({(0, 0): 0.8}))])
    found = pixels(tmp_path / "heat.tif")
    assert found.shape == (70, 50)
    assert (found[63, 49], found[63, 47], found[69, 7], found[69, 8]) == (50, 0, 80, 0)


def test_polygons_join_across_tile_borders(tmp_path):
    grid = grid_of()
    left = tile(grid, 0, 0, cells({(2, 7): 0.6, (5, 1): 0.7, (6, 2): 0.7}))
    write(tmp_path / "heat.gpkg", grid, [left, tile(grid, 0, 1, cells({(2, 0): 1.0, (3, 0): 0.49}))])
    found = sorted((properties["tile_ids"], properties["score"], polygon.area) for polygon, properties in polygons(tmp_path / "heat.gpkg"))
    assert found == [("r00000_c00000", 0.7, 16.0)] * 2 + [("r00000_c00000; r00000_c00001", 0.8, 32.0)]  # cells that meet at a corner stay apart
    assert not (tmp_path / "heat.heat.tif").exists()


@pytest.mark.parametrize(("threshold", "areas"), [(0.01, 64 * 64), (0.3, 2 * 64), (0.55, 2 * 64), (0.56, 64), (1.0, 64)])
def test_the_threshold_belongs_to_the_hot_ground(tmp_path, threshold, areas):
    grid = grid_of()
    write(tmp_path / "heat.gpkg", grid, [tile(grid, 0, 0, cells({(0, 0): 0.55, (4, 4): 1.0}, 0.01))], threshold)
    assert sum(polygon.area for polygon, _ in polygons(tmp_path / "heat.gpkg")) == areas * 0.25


def test_polygons_of_any_pattern_are_valid_and_cover_the_hot_pixels(tmp_path):
    grid, heat = grid_of(), np.random.default_rng(3).random((64, 64))
    write(tmp_path / "heat.gpkg", grid, [tile(grid, 0, 0, heat)])
    found = polygons(tmp_path / "heat.gpkg")
    assert all(polygon.is_valid for polygon, _ in found)
    assert sum(polygon.area for polygon, _ in found) == (np.rint(100 * heat) >= 50).sum() * 0.25
    weighted = sum(polygon.area * properties["score"] for polygon, properties in found) / sum(polygon.area for polygon, _ in found)
    assert weighted == pytest.approx((np.rint(100 * heat) / 100)[np.rint(100 * heat) >= 50].mean(), abs=1e-4)


def test_the_finished_raster_is_cloud_optimised(tmp_path):
    grid = grid_of(height=1500, width=1100)
    write(tmp_path / "heat.tif", grid, [tile(grid, row, col, cells(rest=0.4)) for row in range(24) for col in range(18)])
    with rasterio.open(tmp_path / "heat.tif") as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.overviews(1) and raster.block_shapes == [(256, 256)]
        assert (raster.nodata, raster.dtypes, np.unique(raster.read(1)).tolist()) == (NODATA, ("uint8",), [40])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["heat.tif"]


@pytest.mark.parametrize("name", ["heat.tif", "heat.gpkg"])
def test_a_run_in_two_parts_equals_one(tmp_path, name):
    grid = grid_of(overlap_px=16)
    tiles = [tile(grid, row, col, cells({(row, 7): 0.9, (7, col): 0.6}, 0.1)) for row in range(4) for col in range(4)]
    (tmp_path / "whole").mkdir()
    write(tmp_path / "whole" / name, grid, tiles)
    with pytest.raises(KeyboardInterrupt), HeatWriter.open(HeatmapOutput(str(tmp_path / name)), grid, RUN) as heat:
        for one in tiles[:7]:
            heat.add(one)
        raise KeyboardInterrupt
    assert len(polygons(tmp_path / name)) > 0 if name.endswith(".gpkg") else (pixels(tmp_path / name) != NODATA).any()
    write(tmp_path / name, grid, tiles[5:], done={(0, 0)}, resume=True)  # what was written and not committed comes twice
    if name.endswith(".gpkg"):
        assert polygons(tmp_path / name) == polygons(tmp_path / "whole" / name)
        assert list(tmp_path.glob("*.tif")) == []
    else:
        assert (pixels(tmp_path / name) == pixels(tmp_path / "whole" / name)).all()


@pytest.mark.parametrize("name", ["heat.tif", "heat.gpkg"])
def test_failed_tiles_are_filled_in_after_the_end(tmp_path, name):
    grid, path = grid_of(), HeatmapOutput(str(tmp_path / name))
    with HeatWriter.open(path, grid, RUN) as heat:
        heat.add(tile(grid, 0, 0, cells(rest=0.9)))
        heat.close(failed=1)
    with HeatWriter.open(path, grid, RUN, {(0, 0)}, resume=True) as heat:
        heat.add(tile(grid, 0, 1, cells(rest=0.9)))
        heat.close()
    write(tmp_path / f"whole_{name}", grid, [tile(grid, 0, col, cells(rest=0.9)) for col in (0, 1)])
    if name.endswith(".gpkg"):
        assert polygons(tmp_path / name) == polygons(tmp_path / f"whole_{name}")
    else:
        assert (pixels(tmp_path / name) == pixels(tmp_path / f"whole_{name}")).all()
        assert rasterio.open(tmp_path / name).tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


@pytest.mark.parametrize("name", ["heat.tif", "heat.gpkg"])
def test_to_resume_a_finished_run_changes_nothing(tmp_path, name):
    grid = grid_of(height=64, width=64)
    write(tmp_path / name, grid, [tile(grid, 0, 0, cells(rest=0.9))])
    before = (tmp_path / name).read_bytes()
    write(tmp_path / name, grid, [], done={(0, 0)}, resume=True)
    assert (tmp_path / name).read_bytes() == before


def test_a_killed_process_leaves_a_raster_with_all_that_was_flushed(tmp_path):
    path = tmp_path / "heat.tif"
    code = f"""
        import os, signal, sys
        sys.path[:0] = [{str(REPOSITORY)!r}, {str(Path(__file__).parent)!r}]
        from test_heat import HeatWriter, HeatmapOutput, RUN, cells, grid_of, tile
        grid = grid_of(height=640, width=640)
        heat = HeatWriter.open(HeatmapOutput({str(path)!r}), grid, RUN)
        for col in range(10):
            heat.add(tile(grid, 0, col, cells(rest=0.6)))
        heat.flush()
        heat.add(tile(grid, 1, 0, cells(rest=0.6)))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], timeout=60, check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    found = pixels(path)
    assert (np.unique(found[:64]).tolist(), np.unique(found[64:]).tolist()) == ([60], [NODATA])
    grid = grid_of(height=640, width=640)
    write(path, grid, [tile(grid, 1, 0, cells(rest=0.6))], done={(0, 0)}, resume=True)
    assert (pixels(path)[64:128, :64] == 60).all()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 6 MB; root only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("name", ["heat.tif", "heat.gpkg"])
def test_a_disk_that_fills_up_keeps_what_was_flushed(small_disk, monkeypatch, name):
    monkeypatch.setattr(writer_module, "MIN_FREE_BYTES", 0)
    grid, rng, flushed = grid_of(height=64 * 64, width=64 * 32), np.random.default_rng(1), []
    with pytest.raises(OutputError, match="is full.*--resume"), HeatWriter.open(HeatmapOutput(str(small_disk / name)), grid, RUN) as heat:
        for ref in grid:
            heat.add(tile(grid, ref.row, ref.col, 0.6 + 0.4 * rng.random((64, 64))))  # noise does not compress
            if len(heat._pending) == 32:
                heat.flush()
                flushed.append(ref.row)
    assert flushed
    with rasterio.open(heat.raster) as raster:
        kept = raster.read(1, window=((0, 64 * len(flushed)), (0, grid.width)))
    assert (kept != NODATA).all()
    subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)], check=True)
    rest = [tile(grid, ref.row, ref.col, cells(rest=0.6)) for ref in grid if ref.row not in flushed]
    write(small_disk / name, grid, rest, done=[(row, 0) for row in flushed], resume=True)
    assert (small_disk / name).exists()


@pytest.mark.parametrize("name", ["heat.tif", "heat.gpkg"])
def test_a_folder_that_vanishes_is_said(tmp_path, name):
    folder, grid = tmp_path / "results", grid_of()
    folder.mkdir()
    with HeatWriter.open(HeatmapOutput(str(folder / name)), grid, RUN) as heat:
        heat.add(tile(grid, 0, 0, cells(rest=0.6)))
        folder.rename(tmp_path / "away")
        with pytest.raises(OutputError, match="cannot be written: the folder .*results has gone.*--resume"):
            heat.flush()


def test_too_little_room_is_said_before_the_run(small_disk):
    with pytest.raises(OutputError, match="6 MB free on the disk"):
        HeatWriter.verify(HeatmapOutput(str(small_disk / "heat.tif")))


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("none/heat.tif", "the folder .*none does not exist"),
        ("heat.png", r"heatmap = .*heat.png.*Needed: a name that ends in \.tif"),
        ("folder.tif", "is a folder"),
    ],
)
def test_names_that_cannot_be_written(tmp_path, name, match):
    (tmp_path / "folder.tif").mkdir()
    with pytest.raises(InputError, match=match):
        HeatWriter.open(HeatmapOutput(str(tmp_path / name)), grid_of(), RUN)


@pytest.mark.parametrize(
    ("name", "threshold", "match"),
    [
        ("a.tif", 0.5, "heatmap_threshold = '0.5 for a raster'"),
        ("a.gpkg", 0.0, "heatmap_threshold = 0.0"),
        ("a.gpkg", "x", "heatmap_threshold = 'x'"),
    ],
)
def test_thresholds_that_make_no_sense(name, threshold, match):
    with pytest.raises(InputError, match=match):
        HeatmapOutput(name, threshold).verify()


@pytest.mark.parametrize(("name", "there"), [("heat.tif", "heat.tif"), ("heat.gpkg", "heat.gpkg"), ("heat.gpkg", "heat.heat.tif")])
def test_a_file_that_exists_is_left_alone(tmp_path, name, there):
    (tmp_path / there).write_bytes(b"mine")
    with pytest.raises(OutputError, match=f"{there} exists.*--resume"):
        HeatWriter.open(HeatmapOutput(str(tmp_path / name)), grid_of(), RUN)
    with pytest.raises(OutputError, match="no heat map of ChangeScribe|no heat polygons of ChangeScribe"):
        HeatWriter.open(HeatmapOutput(str(tmp_path / name)), grid_of(), RUN, resume=True)
    assert (tmp_path / there).read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["heat.tif", "heat.gpkg"])
def test_another_runs_file_is_not_continued(tmp_path, name):
    grid, path = grid_of(), HeatmapOutput(str(tmp_path / name))
    write(tmp_path / name, grid, [tile(grid, 0, 0, cells())])
    with pytest.raises(OutputError, match="belongs to another run .request.seed: 0 then, 1 now"):
        HeatWriter.open(path, grid, {"request": {"before": "/a.tif", "seed": 1}}, resume=True)


@pytest.mark.parametrize("name", ["heat.tif", "heat.gpkg"])
def test_a_file_that_is_missing_is_not_made_anew_with_holes(tmp_path, name):
    with pytest.raises(OutputError, match="is missing, though 1 tiles are done"):
        HeatWriter.open(HeatmapOutput(str(tmp_path / name)), grid_of(), RUN, {(0, 0)}, resume=True)
