"""The area of interest."""

import json

import fiona
import numpy as np
import pytest
import rasterio
import shapely
from made_ground import CENTRE, HOME
from rasterio.warp import transform

from engine.contract.errors import AreaError, NoOverlapError
from engine.contract.request import CaptionRequest
from engine.geo.area import read_area, tile_grid
from engine.geo.pair import RasterPair

UTM = rasterio.CRS.from_string(HOME)


def moved(geometry, crs):
    return shapely.transform(geometry, lambda points: np.column_stack(transform(HOME, crs, points[:, 0], points[:, 1])))


def square(size_m=20.0, dx=0.0, dy=0.0):
    """Around the rasters' centre, in HOME."""
    x, y = CENTRE[0] + dx, CENTRE[1] + dy
    return shapely.box(x - size_m / 2, y - size_m / 2, x + size_m / 2, y + size_m / 2)


@pytest.fixture
def vector(tmp_path):
    """Write geometries (HOME coordinates) as a layer in another CRS."""

    def write(*geometries, crs=HOME, driver="GPKG", layer=None, name="area", kind=None):
        path = tmp_path / f"{name}.{ {'GPKG': 'gpkg', 'GeoJSON': 'geojson', 'ESRI Shapefile': 'shp'}[driver] }"
        kind = kind or (geometries[0].geom_type if geometries else "Polygon")
        options = {"driver": driver, "schema": {"geometry": kind, "properties": {}}, "crs": crs}
        with fiona.open(path, "w", layer=layer if driver == "GPKG" else None, **options) as out:
            for geometry in geometries:
                shape = moved(geometry, crs) if crs and crs != HOME else geometry
                out.write({"geometry": shapely.geometry.mapping(shape), "properties": {}})
        return str(path)

    return write


@pytest.fixture
def grid_of(raster):
    """Tiles (64 px of 0.5 m; 3 × 4) of a pair under a request's members, and the pair's overlap."""

    def grid_of(after=None, **members):
        request = CaptionRequest(raster(), after or raster(), tile_px=64, **members)
        with RasterPair.open(request, 0.5) as pair:
            return tile_grid(request, pair)

    return grid_of


def places(grid):
    return [(ref.row, ref.col) for ref in grid]


@pytest.mark.parametrize(
    ("driver", "crs"),
    [(driver, crs) for driver in ("GPKG", "ESRI Shapefile") for crs in (HOME, "EPSG:4326", "EPSG:3857", "EPSG:32632")] + [("GeoJSON", "EPSG:4326")],
)
def test_any_crs_and_format(vector, driver, crs):
    wanted = square(40, 7, -3)
    area = read_area(vector(wanted, crs=crs, driver=driver), UTM)
    assert area.is_valid
    assert area.symmetric_difference(wanted).area < 0.001 * wanted.area


def test_long_edges_follow_their_curve(vector):
    """A parallel of 30° length is no straight line in UTM."""
    box = shapely.box(0, 50, 30, 51)
    path = vector(shapely.transform(box, lambda p: np.column_stack(transform("EPSG:4326", HOME, p[:, 0], p[:, 1]))), crs="EPSG:4326")
    area = read_area(path, UTM)
    (x,), (y,) = transform("EPSG:4326", HOME, [7.5], [50.01])
    (_,), (south,) = transform("EPSG:4326", HOME, [7.5], [49.97])
    assert area.contains(shapely.Point(x, y)) and not area.contains(shapely.Point(x, south))


@pytest.mark.parametrize("edge", [47, 52])
def test_edges_of_a_country_are_followed_to_the_metre(tmp_path, edge):
    """Of a box of ten degrees, at whose edges chords between 64 points are up to three metres off the parallel."""
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps(shapely.geometry.mapping(shapely.box(6, 47, 16, 52))))
    laea = rasterio.CRS.from_epsg(3035)
    area = read_area(str(path), laea)
    inside = edge + (1.5e-5 if edge == 47 else -1.5e-5)  # 1.7 m
    x, y = transform("EPSG:4326", laea, np.linspace(6.01, 15.99, 4001), np.full(4001, inside))
    shapely.prepare(area)
    assert shapely.contains_xy(area, x, y).all()
    assert len(shapely.get_coordinates(area)) < 10_000


def test_several_polygons_are_one_area(vector):
    path = vector(square(10), square(10, 5), square(10, 40))
    assert read_area(path, UTM).area == pytest.approx(100 + 50 + 100)


def test_a_bow_tie_is_mended(vector):
    x, y = CENTRE
    path = vector(shapely.Polygon([(x, y), (x + 10, y + 10), (x + 10, y), (x, y + 10)]))
    assert read_area(path, UTM).area == pytest.approx(50)


def test_layer_by_name(vector):
    path = vector(square(10), layer="first")
    vector(square(30), layer="second")
    with fiona.open(path, "w", driver="GPKG", layer="layer_styles", schema={"geometry": "None", "properties": {"qml": "str"}}):
        pass
    assert read_area(f"{path}|layername=second", UTM).area == pytest.approx(900)
    with pytest.raises(AreaError, match=r"holds the layers first, second.*name one: .*\|layername=first"):
        read_area(path, UTM)
    with pytest.raises(AreaError, match="cannot be read .*layer's name"):
        read_area(f"{path}|layername=third", UTM)
    with pytest.raises(AreaError, match=r"Needed: path or path\|layername=NAME"):
        read_area(f"{path}|subset=fid > 3", UTM)


def test_one_layer_beside_qgis_styles_is_found(vector):
    path = vector(square(10), layer="area")
    with fiona.open(path, "w", driver="GPKG", layer="layer_styles", schema={"geometry": "None", "properties": {"qml": "str"}}):
        pass
    assert read_area(path, UTM).area == pytest.approx(100)


def test_aoi_picks_tiles_with_the_whole_rasters_indexes(vector, grid_of):
    whole = grid_of()
    assert len(whole) == 12
    small = grid_of(aoi=vector(square(4, dx=40, dy=30), crs="EPSG:4326"))
    # 40 m right of and 30 m above the centre of 210 × 180 px of 0.5 m: columns 181 to 189, rows 26 to 34.
    assert places(small) == [(0, 2)]
    assert set(small) <= set(whole)


def test_extent_picks_tiles(grid_of):
    # Columns 63 to 67, rows 128 to 132: the upper edge is that of the third row of tiles.
    grid = grid_of(extent=square(2, dx=-20, dy=-20).bounds)
    assert places(grid) == [(2, 0), (2, 1)] and set(grid) <= set(grid_of())


def test_only_the_ground_that_both_rasters_share(raster, grid_of):
    grid = grid_of(after=raster(shift_px=(110, 0)))
    assert {col for _, col in places(grid)} == {1, 2, 3}
    turned = grid_of(after=raster(degrees=45, height=60, width=60))
    assert 0 < len(turned) < 12


@pytest.mark.parametrize("where", ["aoi", "extent"])
def test_area_off_the_rasters(vector, grid_of, where):
    far = square(10, dx=900)
    with pytest.raises(NoOverlapError, match=r"lies off the rasters: it spans \(39239\d.*they share \(39144"):
        grid_of(**{where: vector(far, crs="EPSG:3857") if where == "aoi" else far.bounds})


def test_area_that_only_touches_the_rasters(grid_of):
    left = CENTRE[0] - 210 / 2 * 0.5
    with pytest.raises(NoOverlapError, match="lies off the rasters|covers no pixel"):
        grid_of(extent=(left - 10, CENTRE[1] - 10, left, CENTRE[1] + 10))


@pytest.mark.parametrize(
    ("shapes", "match"),
    [
        ([], "is empty.*choose a layer with polygons"),
        ([shapely.Point(*CENTRE)], "holds Point.*more than zero size"),
        ([shapely.LineString([CENTRE, (0, 0)])], "holds LineString.*draw the area as a polygon"),
        ([shapely.Polygon([CENTRE, CENTRE, CENTRE])], "holds Polygon.*zero size"),
        ([shapely.Polygon([CENTRE, (CENTRE[0] + 9, CENTRE[1]), CENTRE])], "holds Polygon.*zero size"),
    ],
)
def test_areas_of_no_size(vector, shapes, match):
    with pytest.raises(AreaError, match=match):
        read_area(vector(*shapes), UTM)


def test_aoi_without_crs(vector):
    with pytest.raises(AreaError, match="has no CRS.*ogr2ogr -a_srs"):
        read_area(vector(square(), crs=None, driver="ESRI Shapefile"), UTM)


def test_metres_in_a_geojson_that_names_no_crs(tmp_path):
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps(shapely.geometry.mapping(square())))
    with pytest.raises(AreaError, match=r"spans \(3\d{5}.*no degrees, and its CRS is EPSG:4326.*ogr2ogr -a_srs"):
        read_area(str(path), UTM)


@pytest.mark.parametrize("content", ["", "<NetworkLink><Link><href>a.kml</href></Link></NetworkLink>"])
def test_a_kml_without_a_layer(tmp_path, content):
    path = tmp_path / "area.kml"
    path.write_text(f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{content}</Document></kml>')
    with pytest.raises(AreaError, match="holds no layer.*links to other files are not followed"):
        read_area(str(path), UTM)


def test_an_area_of_less_than_a_tile_counts(vector, grid_of):
    with pytest.raises(AreaError, match="covers no more than a thousandth of a pixel"):
        grid_of(aoi=vector(square(0.01, dx=0.1, dy=0.1)))


def test_missing_and_unreadable_aoi(tmp_path):
    with pytest.raises(AreaError, match="gone.gpkg cannot be read"):
        read_area(str(tmp_path / "gone.gpkg"), UTM)
    path = tmp_path / "notes.geojson"
    path.write_text("not json")
    with pytest.raises(AreaError, match="notes.geojson cannot be read"):
        read_area(str(path), UTM)


def test_features_without_geometry_are_passed_over(tmp_path):
    path = tmp_path / "rows.geojson"
    geometry = shapely.geometry.mapping(moved(square(), "EPSG:4326"))
    features = [{"type": "Feature", "properties": {}, "geometry": shape} for shape in (None, geometry)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert read_area(str(path), UTM).area == pytest.approx(400, rel=1e-3)


def test_more_tiles_than_any_run_needs_are_refused(grid_of):
    with pytest.raises(AreaError, match=r"tiles of 64 px with an overlap of 63 px.*at most 1,000,000,000"):
        grid_of(resolution=0.002, overlap_px=63)
