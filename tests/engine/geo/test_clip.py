"""Tiles cut to the area."""

import pickle

import numpy as np
import pytest
import shapely
from affine import Affine

from engine.contract.tiles import TileRef
from engine.geo.clip import Clip
from engine.geo.grid import TileGrid

TURNED = Affine.translation(500_000, 5_000_000) * Affine.rotation(17) * Affine.scale(0.5, -0.5)


def grid_of(polygon_px, height=200, width=300, transform=TURNED):
    """A grid whose area is given in pixels (x, y)."""
    area = shapely.transform(polygon_px, lambda points: np.column_stack(transform * (points[:, 0], points[:, 1])))
    return TileGrid(height, width, transform, "EPSG:32633", 64, 0, area)


def by_centre(polygon, ref):
    cols, rows = np.meshgrid(np.arange(ref.width) + ref.col_off + 0.5, np.arange(ref.height) + ref.row_off + 0.5)
    return shapely.contains_xy(polygon, cols, rows)


@pytest.mark.parametrize(
    "polygon",
    [
        shapely.Point(140, 100).buffer(80),
        shapely.Point(140, 100).buffer(80).difference(shapely.Point(130, 90).buffer(30)),
        shapely.union_all([shapely.box(10.2, 10.2, 90.7, 60.3), shapely.Polygon([(150, 20), (290, 190), (120, 150)])]),
    ],
    ids=["disc", "ring", "two parts"],
)
def test_pixels_whose_centre_lies_in_the_area(polygon):
    grid = grid_of(polygon)
    clip = pickle.loads(pickle.dumps(Clip.of(grid)))
    refs = list(grid)
    shares = []
    for ref in refs:
        inside, expected = clip.inside(ref), by_centre(polygon, ref)
        assert inside.shape == (ref.height, ref.width)
        # GDAL and GEOS may differ on a centre that lies on the line.
        assert (inside != expected).sum() <= 1
        shares.append(inside.mean())
    assert min(shares) < 0.5 and max(shares) > 0.7


def test_an_area_of_whole_pixels_is_cut_at_their_edges():
    clip = Clip.of(grid_of(shapely.box(70, 10, 100, 40)))
    inside = clip.inside(TileRef(0, 1, 0, 64, 64, 64))
    assert inside[10:40, 6:36].all() and inside.sum() == 900


def test_a_sliver_between_centres_is_seen():
    clip = Clip.of(grid_of(shapely.box(70.6, 10.1, 71.4, 30.2)))
    inside = clip.inside(TileRef(0, 1, 0, 64, 64, 64))
    assert 0 < inside.sum() <= 44 and inside[10:31, 6:8].sum() == inside.sum()


def test_rows_far_apart_and_in_any_order():
    polygon = shapely.Polygon([(0, 0), (100, 50_000), (300, 100_000), (100, 100_000)])
    clip = Clip.of(grid_of(polygon, height=100_000))
    for row in (1500, 3, 800, 1501, 1562):
        ref = TileRef(row, 1, row * 64, 64, min(64, 100_000 - row * 64), 64)
        assert (clip.inside(ref) != by_centre(polygon, ref)).sum() <= 1


def test_the_whole_raster_is_not_cut():
    assert Clip.of(TileGrid(100, 100, TURNED, "EPSG:32633")) is None
