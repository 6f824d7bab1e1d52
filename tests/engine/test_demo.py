"""The drawn sample and the map picture; the run as a whole is tested with the bundled model."""

import fiona
import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import Affine

from engine import demo
from engine.contract.fields import TILE, fields_of
from engine.contract.tiles import LAYER_NAME, UNCHANGED_TEXT
from engine.demo import scene as demo_scene
from engine.demo.render import noise
from engine.report import figure

VERMILION = (213, 94, 0)  # building added, as in the QGIS style
CHANGED = {(0, 3), (0, 4), (2, 1), (2, 3), (3, 0), (3, 1), (3, 3), (3, 4)}
BUILT = {(0, 3), (0, 4), (2, 1), (3, 0), (3, 1)}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return demo.write_sample(tmp_path_factory.mktemp("sample"))


def solid_area(scene, row, col):
    """Area (px²) of what stands in a tile: houses, paved ground, bare ground and crowns."""
    tile = demo_scene.box(col * 256, row * 256, col * 256 + 256, row * 256 + 256)
    shapes = [demo_scene.rectangle(b.x, b.y, b.length, b.depth, b.angle) for b in scene.blocks] + [*scene.paved]
    shapes += [patch.polygon for patch in scene.patches if patch.material == "bare"]
    crowns = sum(np.pi * t.radius_px**2 for t in scene.trees if demo_scene.contains_xy(tile, t.x, t.y))
    return sum(demo_scene.Polygon(shape).intersection(tile).area for shape in shapes), crowns


def test_sample_is_two_georeferenced_rasters_on_one_grid(sample):
    with rasterio.open(sample[0]) as before, rasterio.open(sample[1]) as after:
        assert before.profile == after.profile
        assert (before.crs.to_epsg(), before.res, before.count, before.dtypes[0]) == (32633, (0.5, 0.5), 3, "uint8")
        assert (before.height, before.width) == (1024, 1280)


def test_sample_is_the_same_every_time(sample, tmp_path):
    again = demo.write_sample(tmp_path)
    for one, other in zip(sample, again):
        with rasterio.open(one) as a, rasterio.open(other) as b:
            assert np.array_equal(a.read(), b.read())


@pytest.mark.parametrize("row, col", [(row, col) for row in range(4) for col in range(5)])
def test_plan_changes_the_tiles_it_should_and_no_others(row, col):
    (built_0, crowns_0), (built_1, crowns_1) = (solid_area(scene, row, col) for scene in demo_scene.plan())
    moved = abs(built_1 - built_0) + abs(crowns_1 - crowns_0)
    if (row, col) in CHANGED:
        assert moved > 0.03 * 256**2
    else:
        assert moved < 0.015 * 256**2


def test_noise_has_the_wanted_mean_and_deviation():
    values = noise(np.random.default_rng(0), 64, 96, 1.0)
    assert values.shape == (64, 96)
    assert abs(values.mean()) < 1e-5 and abs(values.std() - 1) < 1e-5


def write_raster(path, pixels, transform, crs="EPSG:32633"):
    count, height, width = pixels.shape
    with rasterio.open(
        path, "w", driver="GTiff", dtype=pixels.dtype, count=count, height=height, width=width, crs=crs, transform=transform
    ) as raster:
        raster.write(pixels)


def write_layer(path, rows):
    kinds = {"text": "str", "int": "int32", "bool": "bool", "real": "float"}
    schema = {"geometry": "Polygon", "properties": {field.name: kinds[field.kind] for field in fields_of(TILE)}}
    with fiona.open(path, "w", driver="GPKG", layer=LAYER_NAME, crs="EPSG:32633", schema=schema) as layer:
        for ring, values in rows:
            properties = {field.name: values.get(field.name) for field in fields_of(TILE)}
            layer.write({"geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties})


def square(x, y, side):
    return [(x, y), (x + side, y), (x + side, y - side), (x, y - side), (x, y)]


@pytest.fixture
def captioned(tmp_path):
    """A 200 × 100 px pair, the after date at half the resolution in 16 bit, with two cells, the right one changed."""
    before, after, layer = tmp_path / "b.tif", tmp_path / "a.tif", tmp_path / "o.gpkg"
    write_raster(before, np.full((3, 100, 200), 90, np.uint8), Affine(1, 0, 500_000, 0, -1, 5_000_000))
    ramp = np.linspace(0, 60_000, 100, dtype=np.uint16)[None, None, :] * np.ones((1, 50, 1), np.uint16)
    write_raster(after, ramp, Affine(2, 0, 500_000, 0, -2, 5_000_000))
    common = {"row": 0, "status": "captioned", "model": "m"}
    changed = {"tile_id": "r0_c1", "col": 1, "caption": "a house is built", "changed": True, "change_score": 0.9, "added": "road; building"}
    same = {"tile_id": "r0_c0", "col": 0, "caption": UNCHANGED_TEXT, "changed": False, "change_score": 0.1, "added": ""}
    write_layer(layer, [(square(500_100, 5_000_000, 100), common | changed), (square(500_000, 5_000_000, 100), common | same)])
    return before, after, layer


def test_cells_are_read_in_order_with_the_colour_of_their_kind(captioned):
    cells = figure.read_cells(captioned[2])
    assert [cell.properties["tile_id"] for cell in cells] == ["r0_c0", "r0_c1"]
    assert [cell.changed for cell in cells] == [False, True]
    assert cells[1].colour == VERMILION


def test_map_outlines_the_changed_cell_where_it_lies(captioned, tmp_path):
    before, after, layer = captioned
    figure.draw_map(before, after, figure.read_cells(layer), tmp_path / "map.png")
    pixels = np.asarray(Image.open(tmp_path / "map.png"))
    outline = (pixels == VERMILION).all(axis=2)
    map_top = figure.TITLE_PX * 2 + 400 + figure.GAP_PX
    rows, cols = np.nonzero(outline[map_top:])
    # The map is 1600 px wide for 200 m: the changed cell is its right half.
    assert abs(cols.min() - (figure.GAP_PX + 800)) <= 4
    assert cols.max() >= figure.GAP_PX + 1596
    assert rows.max() - rows.min() >= 790


def test_map_stretches_a_16_bit_raster_and_warps_it_onto_the_before_grid(captioned, tmp_path):
    before, after, layer = captioned
    figure.draw_map(before, after, [], tmp_path / "map.png")
    panel = np.asarray(Image.open(tmp_path / "map.png"))[
        figure.TITLE_PX : figure.TITLE_PX + 400, 2 * figure.GAP_PX + 800 : 2 * figure.GAP_PX + 1600, 0
    ]
    assert panel[200, 20] < 20 and panel[200, 780] > 235
    assert 100 < panel[200, 400] < 155


def test_captions_too_small_for_their_cells_are_listed_below(captioned, tmp_path):
    before, after, layer = captioned
    cells = [
        figure.Cell(tuple(square(500_000 + 10 * i, 5_000_000, 10)), {"changed": True, "change_score": 0.5, "caption": f"change {i}"})
        for i in range(20)
    ]
    for cell in cells:
        cell.properties.update(added="water", removed="", altered=None)
    figure.draw_map(before, after, cells, tmp_path / "many.png")
    figure.draw_map(before, after, cells[:1], tmp_path / "one.png")
    many, one = (Image.open(tmp_path / name).height for name in ("many.png", "one.png"))
    assert many - one == (figure.LISTED - 1) * figure.LINE_PX


@pytest.mark.parametrize(
    "classes, colour",
    [
        ({"removed": "building"}, (204, 121, 167)),
        ({"added": "vegetation", "removed": "parking"}, (230, 159, 0)),
        ({"altered": "water"}, (0, 114, 178)),
        ({"altered": "vegetation"}, (86, 180, 233)),
        ({}, (86, 180, 233)),
    ],
)
def test_a_cell_has_the_colour_of_the_first_kind_that_fits(classes, colour):
    properties = dict.fromkeys(("added", "removed", "altered"), "") | classes
    assert figure.Cell((), properties).colour == colour


def test_table_counts_all_and_lists_the_changed(captioned):
    table = demo.table(figure.read_cells(captioned[2]))
    assert table.title == "1 of 2 tiles changed"
    assert table.row_count == 1
    assert list(table.columns[3].cells) == ["+road +building"]


def test_one_raster_alone_is_an_input_error(capsys):
    assert demo.main(["--before", "x.tif"]) == 2
    assert "both dates" in capsys.readouterr().out


def test_bundled_model_tells_the_samples_changes(tmp_path, capsys):
    assert demo.main(["--output", str(tmp_path)]) == 0
    cells = {(cell.properties["row"], cell.properties["col"]): cell for cell in figure.read_cells(tmp_path / "change_captions.gpkg")}
    assert len(cells) == 20
    for place in BUILT:
        assert cells[place].changed
        assert any(word in cells[place].properties["caption"] for word in ("house", "villa", "building", "residential"))
    false_alarms = [place for place, cell in cells.items() if cell.changed and place not in CHANGED]
    assert false_alarms == []
    assert Image.open(tmp_path / "map.png").width == 1648
    assert f"of {len(cells)} tiles changed" in capsys.readouterr().out
