"""Rasters and areas on both sides of the antimeridian, or of Greenwich in longitudes of 0 to 360°, in any turn round the earth."""

import fiona
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.warp import transform
from rasterio.windows import Window

from engine.contract.request import CaptionRequest
from engine.geo import around
from engine.geo.area import tile_grid
from engine.geo.ground import pixel_size_m
from engine.geo.pair import RasterPair
from engine.run import pipeline

LAT = -16.8
EAST_M, NORTH_M = (111_412 * np.cos(np.radians(LAT)) - 93.5 * np.cos(np.radians(3 * LAT)), 110_660.0)  # a degree there
PIXEL = {"degrees": 4.5e-6, "metres": 0.5}
# Meridian, CRS, and by how many turns the raster's x lie off what PROJ answers at its middle (a little east of the meridian).
PLACES = {
    "utm 60": (180, "EPSG:32760", 0),
    "utm 1": (180, "EPSG:32701", 0),
    "past 180": (180, "EPSG:4326", 1),
    "under -180": (180, "EPSG:4326", 0),
    "nad 83 past 180": (180, "EPSG:4269", 1),
    "pacific mercator": (180, "EPSG:3832", 0),
    "web mercator past its edge": (180, "EPSG:3857", 1),
    "web mercator before its edge": (180, "EPSG:3857", 0),
    "utm 31": (0, "EPSG:32731", 0),
    "utm 30": (0, "EPSG:32730", 0),
    "past 360": (0, "EPSG:4326", 1),
    "about 0": (0, "EPSG:4326", 0),
    "about 0 in web mercator": (0, "EPSG:3857", 0),
}
PAIRS = [(a, b) for a in PLACES for b in PLACES if PLACES[a][0] == PLACES[b][0]]


def local(crs, xs, ys, meridian):
    """Metres east of the meridian and north of LAT."""
    lons, lats = (np.asarray(values) for values in transform(crs, "EPSG:4326", xs, ys))
    return ((lons - meridian + 180) % 360 - 180) * EAST_M, (lats - LAT) * NORTH_M


def scene(east_m, north_m):
    """RGB (3, n), without any symmetry."""
    waves = [np.sin(east_m / 5 + north_m / 17), np.cos(north_m / 4 + 1) + 0.3 * np.sin(east_m / 11), np.sin((2 * east_m - north_m) / 9)]
    return np.stack([127.5 + 90 * wave / 1.3 for wave in waves])


def place_of(name, size_px=96, east_m=3.0):
    """CRS and transform of a raster whose middle lies east_m east of its meridian."""
    meridian, crs, turns = PLACES[name]
    lon = meridian + east_m / EAST_M
    (x,), (y,) = transform("EPSG:4326", crs, [lon - 360 * (lon > 180)], [LAT])
    pixel = PIXEL["degrees" if rasterio.CRS.from_string(crs).is_geographic else "metres"]
    x += turns * (around.turn(rasterio.CRS.from_string(crs)) or 0)
    return crs, Affine(pixel, 0, x - pixel * size_px / 2, 0, -pixel, y + pixel * size_px / 2)


@pytest.fixture
def raster(tmp_path):
    def write(name, size_px=96, **options):
        crs, place = place_of(name, size_px, **options)
        cols, rows = np.meshgrid(np.arange(size_px) + 0.5, np.arange(size_px) + 0.5)
        pixels = scene(*local(crs, *(place * (cols.ravel(), rows.ravel())), PLACES[name][0]))
        path = tmp_path / f"{name.replace(' ', '_')}_{size_px}.tif"
        with rasterio.open(path, "w", driver="GTiff", height=size_px, width=size_px, count=3, dtype="uint8", crs=crs, transform=place) as out:
            out.write(pixels.reshape(3, size_px, size_px).round().astype("uint8"))
        return str(path)

    return write


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_both_dates_show_the_same_ground(raster, before, after):
    request = CaptionRequest(raster(before), raster(after, 140), stretch="none", tile_px=64)
    with RasterPair.open(request, 0.5) as pair:
        assert pair.gsd_m == pytest.approx(0.5, rel=0.05)
        assert len(tile_grid(request, pair)) == 4
        _, pixels, _, valid = pair.read(Window(0, 0, pair.width, pair.height))
        cols, rows = np.meshgrid(np.arange(pair.width) + 0.5, np.arange(pair.height) + 0.5)
        truth = scene(*local(pair.crs, *(pair.transform * (cols.ravel(), rows.ravel())), PLACES[before][0])).reshape(3, pair.height, pair.width)
        assert valid.all()
        # The steepest wave climbs 9 levels a pixel; the kernel flattens it where pixels lie between pixels.
        assert np.abs(pixels - truth).mean() < 3 and np.abs(pixels - truth).max() < 12


@pytest.mark.parametrize("before", PLACES)
def test_a_resolution_in_metres_is_met(raster, before):
    request = CaptionRequest(raster(before), raster(before, 140), resolution=0.8)
    with RasterPair.open(request, 0.5) as pair:
        assert pixel_size_m(pair.crs, pair.transform, pair.height, pair.width) == pytest.approx((0.8, 0.8), rel=1e-3)


def forms_of_area(meridian):
    """A rectangle of 30 × 20 m about the meridian, as files have it: name → (CRS, geometry as GeoJSON)."""
    half, low, high = 15 / EAST_M, LAT - 10 / NORTH_M, LAT + 10 / NORTH_M
    box = shapely.box
    forms = {
        "past 180": ("EPSG:4326", box(meridian - half, low, meridian + half, high)),
        "a turn less": ("EPSG:4326", box(meridian - half - 360, low, meridian + half - 360, high)),
        "utm": ("EPSG:32760" if meridian else "EPSG:32731", None),
        "nad 83": ("EPSG:4269", box(meridian - half - 360, low, meridian + half - 360, high)),
    }
    if meridian == 180:
        forms["cut in two"] = ("EPSG:4326", shapely.MultiPolygon([box(180 - half, low, 180, high), box(-180, low, -180 + half, high)]))
        forms["the wrong way round"] = ("EPSG:4326", box(-180 + half, low, 180 - half, high))
    (xs, ys) = transform("EPSG:4326", forms["utm"][0], *forms["past 180"][1].exterior.coords.xy)
    forms["utm"] = (forms["utm"][0], shapely.Polygon(zip(xs, ys)))
    return forms


@pytest.mark.parametrize("before", PLACES)
def test_an_area_is_the_same_ground_however_it_is_written(raster, tmp_path, before):
    rasters = raster(before), raster(before, 140)
    with RasterPair.open(CaptionRequest(*rasters, tile_px=64), 0.5) as pair:
        for form, (crs, shape) in forms_of_area(PLACES[before][0]).items():
            path = tmp_path / f"{form.replace(' ', '_')}.gpkg"
            with fiona.open(path, "w", driver="GPKG", crs=crs, schema={"geometry": shape.geom_type, "properties": {}}) as out:
                out.write({"geometry": shapely.geometry.mapping(shape), "properties": {}})
            area = tile_grid(CaptionRequest(*rasters, tile_px=64, aoi=str(path)), pair).area
            pixels_m2 = np.prod(pixel_size_m(pair.crs, pair.transform, pair.height, pair.width)) / abs(pair.transform.determinant)
            assert area.area * pixels_m2 == pytest.approx(600, rel=0.02), form
            middle = ~pair.transform * (area.centroid.x, area.centroid.y)
            assert middle == pytest.approx((48 - 3 / 0.5, 48), abs=1.5), form


@pytest.mark.parametrize("before", [name for name, (_, crs, _) in PLACES.items() if around.turn(rasterio.CRS.from_string(crs))])
def test_extents_and_points_of_any_turn(raster, before):
    rasters = raster(before), raster(before, 140)
    crs, place = place_of(before)
    turn = around.turn(rasterio.CRS.from_string(crs))
    (left, top), (right, bottom) = place * (70, 4), place * (90, 12)
    for turns in (-1, 0, 1):
        by = turns * turn
        request = CaptionRequest(*rasters, tile_px=64, extent=(left + by, bottom, right + by, top))
        with RasterPair.open(request, 0.5) as pair:
            grid = tile_grid(request, pair)
            assert [(ref.row, ref.col) for ref in grid] == [(0, 1)]
            assert pipeline.tile_at(pair, grid, left + by, bottom) == grid.ref(0, 1)


def test_the_wrong_way_round_is_not_the_whole_world(tmp_path):
    """Rectangles of the whole world, or of all but a part of it, stay what they are."""
    for west, east in ((-180, 180), (-169, 169)):
        world = shapely.box(west, -60, east, 60)
        assert around.unwrapped(world, 360.0, around.ANTIMERIDIAN).equals(world)
    hole = shapely.Polygon(shapely.box(-179, -1, 179, 1).exterior.coords, [shapely.box(-179.5, -0.5, -179.2, 0.5).exterior.coords])
    ring = around.unwrapped(hole, 360.0, around.ANTIMERIDIAN)
    assert ring.is_valid and ring.area == pytest.approx(2 * 2 - 0.3)


def test_a_raster_of_the_whole_earth_has_no_edge(tmp_path):
    """0 to 360° under −180 to 180° and back, and under one that crosses either edge; half a degree a pixel."""

    def write(name, west, width):
        place = Affine(0.5, 0, west, 0, -0.5, 20)
        cols, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(80) + 0.5)
        lons, lats = (np.radians(values) for values in place * (cols, rows))
        pixels = np.stack([127 + 100 * np.sin(lons), 127 + 100 * np.cos(lons) * np.cos(4 * lats), 127 + 100 * np.sin(2 * lons)])
        with rasterio.open(tmp_path / name, "w", driver="GTiff", height=80, width=width, count=3, dtype="uint8", crs=4326, transform=place) as out:
            out.write(pixels.round().astype("uint8"))
        return str(tmp_path / name)

    to_360, to_180, narrow = (
        write("to_360.tif", 0, 720),
        write("to_180.tif", -180, 720),
        {west: write(f"{west}.tif", west, 80) for west in (-20, 160)},
    )
    for before, after in ((to_360, to_180), (to_180, to_360), *((path, whole) for path in narrow.values() for whole in (to_360, to_180))):
        with RasterPair.open(CaptionRequest(before, after, stretch="none"), 0.5) as pair:
            a, b, valid_a, valid_b = pair.read(Window(0, 0, pair.width, pair.height))
            assert valid_a.all() and valid_b.all()
            assert np.abs(a.astype(int) - b).max() <= 1


@pytest.mark.parametrize(
    ("crs", "turn"),
    [
        ("EPSG:4326", 360),
        ("EPSG:4807", 400),  # grads from Paris
        ("EPSG:3857", 2 * np.pi * 6378137),
        ("EPSG:3395", 2 * np.pi * 6378137),
        ("EPSG:3832", 2 * np.pi * 6378137),
        ("EPSG:4087", 2 * np.pi * 6378137),
        ("ESRI:54034", 2 * np.pi * 6378137),
        ("EPSG:3857+5773", 2 * np.pi * 6378137),
        ("EPSG:32760", None),
        ("EPSG:3031", None),
        ("EPSG:2154", None),
        ("ESRI:54009", None),
    ],
)
def test_x_returns_after_one_turn(crs, turn):
    assert around.turn(rasterio.CRS.from_user_input(crs)) == (None if turn is None else pytest.approx(turn, rel=1e-12))


@pytest.mark.parametrize(
    ("crs", "place", "metres"),
    [
        # True at 71° S; at the pole the scale is 0.97277 (Snyder 1987, eq 21-34).
        ("EPSG:3031", Affine(0.5, 0, -100, 0, -0.5, 100), 0.514),
        ("EPSG:3031", Affine(0.5, 0, -130, 0, -0.5, 70.3), 0.514),
        ("EPSG:3413", Affine(0.5, 0, -100, 0, -0.5, 100), 0.5156),  # true at 70° N: 0.96986
        ("EPSG:3995", Affine(10, 0, -2000, 0, -10, 2000), 10.28),  # true at 71° N
        ("EPSG:32661", Affine(0.5, 0, 2e6 - 100, 0, -0.5, 2e6 + 100), 0.503),  # 0.994
    ],
)
def test_pixels_at_the_poles_have_their_size(crs, place, metres):
    size = pixel_size_m(rasterio.CRS.from_string(crs), place, 400, 400)
    assert size == pytest.approx((metres, metres), rel=2e-3)


def test_degrees_away_from_the_equator_are_said_to_be_stretched(tmp_path):
    def write(name, lat, width_deg, height_deg):
        place = Affine(width_deg, 0, 3, 0, -height_deg, lat)
        with rasterio.open(tmp_path / name, "w", driver="GTiff", height=96, width=96, count=3, dtype="uint8", crs=4326, transform=place) as out:
            out.write(np.random.default_rng(0).integers(0, 255, (3, 96, 96), dtype=np.uint8))
        return str(tmp_path / name)

    def warnings(path, **members):
        with RasterPair.open(CaptionRequest(path, path, **members), 0.5) as pair:
            return [text for text in pair.warnings if "stretched" in text]

    at_60 = write("a.tif", 60, 4.5e-6, 4.5e-6)
    (text,) = warnings(at_60)
    assert text.startswith("the pixels are 0.251 m wide and 0.501 m high") and "--resolution model" in text
    assert warnings(at_60, resolution="model") == warnings(at_60, resolution=1.0) == []
    assert warnings(write("b.tif", 60, 9e-6, 4.5e-6)) == warnings(write("c.tif", 20, 4.5e-6, 4.5e-6)) == []
    assert warnings(write("d.tif", 0, 9e-6, 4.5e-6))[0].startswith("the pixels are 1 m wide and 0.498 m high")
