"""Tiles: every pixel of the area, no tile twice, exact footprints, the same tile for the same ground."""

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.contract.errors import NoOverlapError
from engine.geo.grid import TileGrid, pixel_window
from engine.geo.tileset import TileSet

sizes = st.integers(1, 700)
transforms = st.builds(
    lambda x, y, turn, sx, sy, shear: Affine.translation(x, y) * Affine.rotation(turn) * Affine.shear(shear, 0) * Affine.scale(sx, -sy),
    st.floats(-1e6, 1e6),
    st.floats(-1e6, 1e6),
    st.floats(-180, 180),
    st.floats(1e-2, 30),
    st.floats(1e-2, 30),
    st.floats(-30, 30),
)


@st.composite
def grids(draw, area=False):
    height, width = draw(sizes), draw(sizes)
    tile_px = draw(st.integers(16, 300))
    overlap_px = draw(st.integers(0, tile_px - 8))
    transform = draw(transforms)
    polygon = None
    if area:
        corners = draw(st.lists(st.tuples(st.floats(-0.3, 1.3), st.floats(-0.3, 1.3)), min_size=3, max_size=7))
        in_pixels = shapely.make_valid(shapely.Polygon([(x * width, y * height) for x, y in corners])).buffer(2.0)
        polygon = shapely.transform(in_pixels, lambda points: np.column_stack(transform * (points[:, 0], points[:, 1])))
    return TileGrid(height, width, transform, "crs", tile_px, overlap_px, polygon)


@settings(deadline=None)
@given(grids())
def test_tiles_cover_every_pixel_and_none_is_redundant(grid):
    covered = np.zeros((grid.height, grid.width), int)
    refs = list(grid)
    for ref in refs:
        assert 0 < ref.height <= grid.tile_px and 0 < ref.width <= grid.tile_px
        covered[ref.row_off : ref.row_off + ref.height, ref.col_off : ref.col_off + ref.width] += 1
    assert covered.min() == 1
    assert len(refs) == len(grid) == len({ref.tile_id for ref in refs}) == grid.rows * grid.cols
    if not grid.overlap_px:
        assert covered.max() == 1
    # Only tiles at the right and lower edge are cut.
    assert all(ref.height == grid.tile_px or ref.row == grid.rows - 1 for ref in refs)
    assert all(ref.width == grid.tile_px or ref.col == grid.cols - 1 for ref in refs)
    # Without the last row or column a pixel would be missing.
    assert (grid.rows - 2) * grid.stride_px + grid.tile_px < grid.height or grid.rows == 1
    assert (grid.cols - 2) * grid.stride_px + grid.tile_px < grid.width or grid.cols == 1


@settings(deadline=None)
@given(grids())
def test_neighbours_share_the_overlap(grid):
    refs = {(ref.row, ref.col): ref for ref in grid}
    for (row, col), ref in refs.items():
        right = refs.get((row, col + 1))
        if right:
            assert ref.col_off + grid.tile_px - right.col_off == grid.overlap_px


@settings(deadline=None)
@given(grids(), st.data())
def test_footprints_are_the_pixels_outlines(grid, data):
    ref = grid.ref(data.draw(st.integers(0, grid.rows - 1)), data.draw(st.integers(0, grid.cols - 1)))
    ring = grid.footprint(ref)
    assert ring[0] == ring[-1] and len(ring) == 5
    assert ring[0] == pytest.approx(grid.transform * (ref.col_off, ref.row_off), abs=1e-9)
    assert ring[2] == pytest.approx(grid.transform * (ref.col_off + ref.width, ref.row_off + ref.height), abs=1e-9)
    pixel_area = abs(grid.transform.determinant)
    origin = np.array(ring[0])  # areas far from 0, 0 lose digits
    assert shapely.Polygon(np.array(ring) - origin).area == pytest.approx(ref.height * ref.width * pixel_area, rel=1e-6)


@settings(deadline=None)
@given(grids(), st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_a_point_finds_a_tile_that_holds_it(grid, across, down):
    col_px, row_px = across * grid.width, down * grid.height
    ref = grid.at(*grid.transform * (col_px, row_px))
    if ref is None:  # rounding at the raster's outermost edge
        assert min(col_px, row_px, grid.width - col_px, grid.height - row_px) < 1e-3
        return
    assert ref.row_off - 1e-3 <= row_px <= ref.row_off + ref.height + 1e-3
    assert ref.col_off - 1e-3 <= col_px <= ref.col_off + ref.width + 1e-3


def test_a_point_outside_finds_none():
    grid = TileGrid(100, 200, Affine(2, 0, 1000, 0, -2, 500), "crs", 64)
    assert grid.at(1001, 499).tile_id == "r00000_c00000"
    assert grid.at(1399, 301).tile_id == "r00001_c00003"
    assert [grid.at(*point) for point in ((999, 499), (1401, 499), (1001, 501), (1001, 299))] == [None] * 4


def test_where_tiles_overlap_the_nearest_centre_wins():
    grid = TileGrid(300, 300, Affine.identity(), "crs", 100, 50)
    assert [grid.at(x, 10).col for x in (10, 74, 76, 124, 126, 299)] == [0, 0, 1, 1, 2, 4]


@settings(max_examples=60, deadline=None)
@given(grids(area=True))
def test_an_area_takes_just_the_tiles_that_share_ground_with_it(grid):
    whole = TileGrid(grid.height, grid.width, grid.transform, grid.crs, grid.tile_px, grid.overlap_px)
    inverse = ~grid.transform
    area = shapely.make_valid(shapely.transform(grid.area, lambda points: np.column_stack(inverse * (points[:, 0], points[:, 1]))))
    boxes = {ref: shapely.box(ref.col_off, ref.row_off, ref.col_off + ref.width, ref.row_off + ref.height) for ref in whole}
    shared = {ref: shapely.intersection(area, square).area for ref, square in boxes.items()}
    if max(shared.values()) < 0.1:
        return  # off the raster, or by less than a tenth of a pixel on it: either answer is right
    refs = list(grid)
    assert len(refs) == len(set(refs)) == len(grid)
    assert set(refs) <= set(whole)  # the same indexes and windows as without an area
    assert {ref for ref, size in shared.items() if size > 0.1} <= set(refs)
    assert all(shared[ref] > 0 for ref in refs)


def test_extents_on_tile_edges_do_not_take_the_neighbours():
    """A line in common is no ground in common, even where the coordinates are rounded."""
    transform = Affine(0.1, 0, 391360.3, 0, -0.1, 5820032.7)
    x, y = transform * (64, 128)
    for eps in (-1e-7, 0, 1e-7):
        grid = TileGrid(512, 512, transform, "crs", 64, 0, shapely.box(x - eps, y - 6.4 - eps, x + 12.8 + eps, y + eps))
        assert [(ref.row, ref.col) for ref in grid] == [(2, 1), (2, 2)]
    diagonal = shapely.Polygon([transform * corner for corner in ((0, 0), (64, 0), (0, 64))])
    assert [(ref.row, ref.col) for ref in TileGrid(512, 512, transform, "crs", 64, 0, diagonal)] == [(0, 0)]


def test_holes_and_parts_of_an_area():
    ring = shapely.box(0, 0, 320, 320).difference(shapely.box(64, 64, 256, 256))
    grid = TileGrid(320, 320, Affine.identity(), "crs", 64, 0, ring.union(shapely.box(150, 150, 151, 151)))
    inside = {(2, 2)}
    border = {(row, col) for row in range(5) for col in range(5) if row in (0, 4) or col in (0, 4)}
    assert {(ref.row, ref.col) for ref in grid} == border | inside
    assert grid.at(100, 100) is None and grid.at(170, 170).tile_id == "r00002_c00002"


def test_counting_and_walking_a_huge_grid_is_lazy():
    grid = TileGrid(2_000_000, 3_000_000, Affine.identity(), "crs", 256, 56)
    assert len(grid) == grid.rows * grid.cols > 10**8
    first = next(iter(grid))
    assert (first.row, first.col, first.height) == (0, 0, 256)
    assert grid.at(2_999_999, 1_999_999) == grid.ref(grid.rows - 1, grid.cols - 1)


def test_area_off_the_raster():
    with pytest.raises(NoOverlapError, match="covers no pixel of the raster"):
        pixel_window(shapely.box(200, 0, 300, 50), Affine.identity(), 100, 100)


@settings(deadline=None)
@given(grids(), st.randoms(use_true_random=False))
def test_tiles_that_are_done_are_left_out(grid, random):
    refs = list(grid)
    done = {(ref.row, ref.col) for ref in refs if random.random() < 0.5}
    left = grid.without(TileSet(done))
    assert list(left) == [ref for ref in refs if (ref.row, ref.col) not in done]
    assert len(left) == len(refs) - len(done)
    assert len(grid) == len(refs)


def test_an_area_of_many_points_over_many_rows():
    """Runs of tiles and bands of rows give what asking tile by tile gives."""
    angle = np.linspace(0, 2 * np.pi, 3000, endpoint=False)
    radius = 300 * (0.9 + 0.09 * np.sin(23 * angle))
    polygon = shapely.Polygon(np.column_stack([300 + radius * np.cos(angle), 300 + radius * np.sin(angle)]))
    grid = TileGrid(600, 600, Affine.identity(), None, 5, 1, polygon)
    boxes = {(row, col): shapely.box(4 * col, 4 * row, min(4 * col + 5, 600), min(4 * row + 5, 600)) for row in range(150) for col in range(150)}
    expected = [cell for cell, box in boxes.items() if shapely.intersection(polygon, box).area > 1e-3]
    assert [(ref.row, ref.col) for ref in grid] == expected
