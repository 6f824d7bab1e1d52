"""Any transform, CRS and area: every place of the area that both rasters show has a tile, no tile comes twice, footprints are exact."""

import itertools
import json

import numpy as np
import pytest
import rasterio
import rasterio.warp
import shapely
from affine import Affine
from fuzz_budget import budget
from hypothesis import example, given
from hypothesis import strategies as st

from engine.contract.errors import AreaError, ChangeScribeError, InputError
from engine.contract.request import CaptionRequest
from engine.geo.area import read_area, tile_grid
from engine.geo.pair import RasterPair

CENTRES = {"EPSG:32633": (391_500, 5_820_000), "EPSG:4326": (13.4, 52.5), "EPSG:3857": (1_491_000, 6_891_000), "EPSG:2263": (980_000, 200_000)}
METRES = {"EPSG:32633": 1.0, "EPSG:4326": 1e-5, "EPSG:3857": 1.6, "EPSG:2263": 3.28}
HOME = rasterio.CRS.from_epsg(32633)


@st.composite
def places(draw):
    """CRS, transform, height, width of a raster whose pixels may be turned, sheared, oblong and mirrored."""
    crs = draw(st.sampled_from(sorted(CENTRES)))
    height, width = draw(st.integers(1, 260)), draw(st.integers(1, 260))
    pixel, oblong = draw(st.floats(0.1, 20)) * METRES[crs], draw(st.floats(0.5, 2))
    turn, shear = draw(st.floats(-180, 180)), draw(st.floats(-40, 40))
    mirror = draw(st.sampled_from([1, -1]))
    return (
        crs,
        Affine.translation(*CENTRES[crs]) * Affine.rotation(turn) * Affine.shear(shear, 0) * Affine.scale(pixel, -mirror * pixel * oblong),
        height,
        width,
    )


def write(path, place):
    crs, transform, height, width = place
    with rasterio.open(path, "w", driver="GTiff", dtype="uint8", count=1, crs=crs, transform=transform, height=height, width=width) as raster:
        raster.write(np.full((1, height, width), 9, np.uint8))
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("geometry")


@budget(0.1)
@given(
    places(),
    st.integers(0, 63),
    st.none() | st.tuples(*[st.floats(-0.2, 1.2)] * 4),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20),
)
@example(("EPSG:32633", Affine(0.5, 0, 391_360, 0, -0.5, 5_820_032), 1, 1), 0, None, [(0.5, 0.5)])
def test_every_place_has_a_tile(folder, place, overlap_px, box, probes):
    crs, transform, height, width = place
    path = write(folder / "raster.tif", place)
    extent = None
    if box is not None:
        xs, ys = transform * (np.array(box[:2]) * width, np.array(box[2:]) * height)
        extent = (min(xs), min(ys), max(xs), max(ys))
    try:
        request = CaptionRequest(path, path, tile_px=64, overlap_px=overlap_px, extent=extent)
        request.verify()
        with RasterPair.open(request, 0.5) as pair:
            grid = tile_grid(request, pair)
    except InputError as error:
        assert extent is not None, error  # off the raster, or of no size
        return
    refs = list(grid)
    assert len(refs) == len(set(refs)) == len(grid)
    windows = {ref: shapely.box(ref.col_off, ref.row_off, ref.col_off + ref.width, ref.row_off + ref.height) for ref in refs}
    for across, down in probes:
        col, row = across * width, down * height
        x, y = transform * (col, row)
        inside = extent is None or (extent[0] < x < extent[2] and extent[1] < y < extent[3])
        # Nearer to an edge than this it is a matter of rounding on which side a place lies.
        clear = min(col, row, width - col, height - row) > 0.01
        if extent is not None:
            clear = (
                clear
                and min(abs(x - extent[0]), abs(x - extent[2]), abs(y - extent[1]), abs(y - extent[3])) > 0.05 * abs(transform.determinant) ** 0.5
            )
        if inside and clear:
            assert any(window.covers(shapely.Point(col, row)) for window in windows.values()), (col, row)
    for ref in refs[:3]:
        assert np.allclose(grid.footprint(ref)[2], transform * (ref.col_off + ref.width, ref.row_off + ref.height), rtol=1e-12)


@budget(0.05)
@given(
    places(),
    st.sampled_from(["EPSG:4326", "EPSG:3857", "EPSG:3035"]),
    st.tuples(st.floats(-0.2, 0.4), st.floats(0.6, 1.2)),
    st.floats(0, 4e5),
    st.lists(st.floats(0, 1), min_size=1, max_size=50),
)
def test_every_place_inside_an_area_of_another_crs_has_a_tile(folder, place, aoi_crs, cut, reach_m, probes):
    """A box in that CRS whose lower and upper edges cross the raster and reach far beyond it; probes lie just inside these edges."""
    crs, transform, height, width = place
    path = write(folder / "raster.tif", place)
    corners = [transform * (col * width, row * height) for col, row in itertools.product((0, 1), repeat=2)]
    xs, ys = rasterio.warp.transform(crs, aoi_crs, *zip(*corners))
    reach = reach_m * METRES.get(aoi_crs, 1.0)
    bottom, top = (min(ys) + share * (max(ys) - min(ys)) for share in cut)
    box = shapely.box(min(xs) - reach, bottom, max(xs) + reach, top)
    document = {
        "type": "Polygon",
        "coordinates": shapely.geometry.mapping(box)["coordinates"],
        "crs": {"type": "name", "properties": {"name": aoi_crs}},
    }
    aoi = folder / "box.geojson"
    aoi.write_text(json.dumps(document))
    request = CaptionRequest(path, path, tile_px=64, aoi=str(aoi))
    with RasterPair.open(request, 0.5) as pair:
        grid = tile_grid(request, pair)
    windows = shapely.union_all([shapely.box(ref.col_off, ref.row_off, ref.col_off + ref.width, ref.row_off + ref.height) for ref in grid])
    inset = 0.2 * (top - bottom) / max(height, width)  # of a pixel at most; a raster may be turned
    for share in probes:
        along = min(xs) + share * (max(xs) - min(xs))
        for y in (bottom + inset, top - inset):
            (x,), (y,) = rasterio.warp.transform(aoi_crs, crs, [along], [y])
            col, row = ~transform * (x, y)
            if min(col, row, width - col, height - row) > 0.01:
                assert windows.covers(shapely.Point(col, row)), (col, row)


@budget(0.05)
@given(places(), places())
def test_two_rasters_anywhere(folder, first, second):
    """They are read on one grid, or the error says why not."""
    paths = write(folder / "first.tif", first), write(folder / "second.tif", second)
    try:
        request = CaptionRequest(*paths, tile_px=64)
        with RasterPair.open(request, 0.5) as pair:
            grid = tile_grid(request, pair)
            for ref, _ in zip(grid, range(2)):
                assert pair.read(ref)[0].shape == (3, 64, 64)
    except ChangeScribeError as error:
        assert error.got and error.need and error.do


numbers = st.floats(-1e3, 1e3) | st.floats() | st.integers(-(10**6), 10**6)
rings = st.lists(st.lists(numbers, min_size=1, max_size=3), max_size=6)
geometries = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["Polygon", "MultiPolygon", "Point", "LineString", "GeometryCollection", "Curve"]),
        "coordinates": st.lists(rings, max_size=3) | rings,
    }
)


@budget(0.05)
@given(st.lists(geometries | st.none(), max_size=4), st.sampled_from([None, "EPSG:4326", "EPSG:32633", "EPSG:999999", "nonsense"]))
@example([{"type": "LineString", "coordinates": [[0, 0]]}], None)
@example([{"type": "Polygon", "coordinates": [[[0, 0], [1e300, 0], [1e300, 1e300], [0, 0]]]}], None)
@example([{"type": "Polygon", "coordinates": [[[13, 52], [13 + 1e-12, 52], [13, 52 + 1e-12], [13, 52]]]}], None)
@example([{"type": "Polygon", "coordinates": [[[391000, 5820000], [391100, 5820000], [391100, 5819900], [391000, 5820000]]]}], None)
def test_any_geojson_is_an_area_or_an_area_error(folder, shapes, crs):
    document = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": shape} for shape in shapes]}
    if crs is not None:
        document["crs"] = {"type": "name", "properties": {"name": crs}}
    check_area(folder / "area.geojson", json.dumps(document).encode())


@budget(0.05)
@given(st.integers(0, 10**6), st.binary(max_size=30))
def test_changed_bytes_of_a_vector_file(folder, place, patch):
    text = '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "x"}, "geometry": '
    text += '{"type": "Polygon", "coordinates": [[[13.1, 52.1], [13.3, 52.1], [13.3, 52.4], [13.1, 52.1]]]}}]}'
    content = bytearray(text.encode())
    place %= len(content)
    content[place : place + len(patch)] = patch
    check_area(folder / "changed.geojson", bytes(content))


@pytest.mark.parametrize("content", ["", "<NetworkLink><Link><href>a.kml</href></Link></NetworkLink>"])
def test_a_kml_that_holds_no_area(folder, content):
    check_area(folder / "area.kml", f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{content}</Document></kml>'.encode())


def check_area(path, content):
    path.write_bytes(content)
    try:
        area = read_area(str(path), HOME)
    except AreaError as error:
        assert error.got and error.need and error.do
        return
    assert area.is_valid and area.area > 0 and np.isfinite(shapely.get_coordinates(area)).all()
