"""``changescribe report``: figures, words, pictures and the page, from layers of every origin."""

import json
import re
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import fiona
import numpy as np
import pytest
import rasterio
from PIL import Image
from runs import ROOT, TILE_PX

from engine.cli import main
from engine.contract.errors import InputError, OutputError, RasterError
from engine.contract.fields import REVIEW, TILE, fields_of
from engine.contract.tiles import UNCHANGED_TEXT
from engine.output.writer import TAG
from engine.report.ground import Ground
from engine.report.layer import read_layer
from engine.report.request import ReportRequest
from engine.report.run import run
from engine.report.story import area_text, percent, tell, top_changes
from engine.words.review import is_disputed, settled

import fakes

TYPES = {"text": "str", "int": "int32", "bool": "bool", "real": "float"}
ORIGIN, TILE_M = (391_360.0, 5_820_032.0), 128.0
HOUSES = "many houses are built along the road"
HOSTILE = '</p><script>alert(1)</script><img src="http://198.51.100.1/x.png" onerror=alert(1)> & "quoted" \' ☃'


def tile(row, col, caption=None, **values):
    """Values of a row; with a caption it has changed."""
    found = {
        "tile_id": f"r{row:05d}_c{col:05d}", "row": row, "col": col, "caption": caption or UNCHANGED_TEXT, "changed": caption is not None,
        "change_score": 0.9 if caption else 0.1, "added": "building" if caption else None, "removed": None, "altered": None, "score": 0.8,
        "valid_before": 1.0, "valid_after": 1.0, "model": "scribe-s", "status": "captioned" if caption else "unchanged", "seconds": 0.1,
        "edited_caption": None, "review": None,
    }  # fmt: skip
    return found | values


WRITTEN = fields_of(TILE, REVIEW)


def write_layer(path, rows, crs="EPSG:32633", name="change_captions", fields=WRITTEN, origin=ORIGIN, size=TILE_M, tags=None):
    """A layer of square tiles; returns its path as text."""
    schema = {"geometry": "Polygon", "properties": {field.name: TYPES[field.kind] for field in fields}}
    with fiona.open(path, "w", driver="GPKG", layer=name, schema=schema, crs=crs) as layer:
        for row in rows:
            x, y = origin[0] + row["col"] * size, origin[1] - row["row"] * size
            ring = [(x, y), (x + size, y), (x + size, y - size), (x, y - size), (x, y)]
            values = {field.name: row[field.name] for field in fields}
            layer.write({"geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": values})
        if tags:
            layer.update_tags(tags)
    return str(path)


def grid(changed, rows=4, cols=5):
    """Rows of a grid with the captions of ``changed`` by (row, col)."""
    return [tile(r, c, changed.get((r, c))) for r in range(rows) for c in range(cols)]


def story_of(path):
    layer = read_layer(path)
    return tell(layer, Ground(layer.crs_wkt, layer.cells))


class Page(HTMLParser):
    """Tags, attributes and text of a page, as a browser reads it."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.feed(Path(path).read_text("utf-8"))
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.texts.append(data)


@pytest.fixture
def captioned(make_pair, fake_weights, tmp_path):
    """A run of the command line over 4 × 4 tiles, 3 of them changed and one without data; path of its output."""
    output = tmp_path / "out.gpkg"
    assert main(["caption", *make_pair(), "-o", str(output), "--tile", str(TILE_PX), "--model", fakes.ID]) == 0
    return output


def test_the_page_stands_alone_and_holds_the_figures(captioned, tmp_path, capsys):
    page, picture = tmp_path / "report.html", tmp_path / "map.png"
    assert main(["report", str(captioned), "-o", str(page), "--png", str(picture)]) == 0
    assert "15 tiles" in capsys.readouterr().out
    found = Page(page)
    assert "script" not in found.tags and "link" not in found.tags
    sources = [value for name, value in found.attributes if name in ("src", "href")]
    assert len(sources) == 1 + 2 * 3 and all(source.startswith("data:image/jpeg;base64,") for source in sources)
    for text in (
        "15 tiles (1.54 ha) were compared; 1 tile with too little data left out.",
        "3 tiles show change",
        "before.tif compared with after.tif",
    ):
        assert text in found.text, text
    assert "sha256 of its weights" in found.text and "Run started" in found.text and "python" in found.text
    assert "@media print" in page.read_text("utf-8")
    with Image.open(picture) as image:
        assert image.width == 1000 and image.height > 1000
    assert not list(tmp_path.glob("*.part"))


def test_the_pictures_show_the_ground_of_their_tile(captioned, tmp_path):
    from engine.report.pictures import Pictures

    layer = read_layer(str(captioned))
    cell = next(cell for cell in layer.cells if (cell.properties["row"], cell.properties["col"]) == (1, 2))
    with Pictures(layer) as pictures:
        seen = {date: np.asarray(pictures.tile(cell, date), float).mean() for date in ("before", "after")}
    for date in seen:
        with rasterio.open(tmp_path / f"{date}.tif") as raster:
            true = raster.read()[:, TILE_PX : 2 * TILE_PX, 2 * TILE_PX : 3 * TILE_PX].mean()
        assert abs(seen[date] - true) < 2, date


def test_hostile_texts_stay_texts(tmp_path):
    layer = write_layer(tmp_path / "changes.gpkg", grid({(0, 0): HOSTILE, (0, 1): HOSTILE}), name="a<b>&'c", tags={TAG: json.dumps({
        "request": {"before": "<script>.tif", "after": ["a list"], "x<b>": HOSTILE}, "model": HOSTILE, "versions": {"<i>": "<b>"}})})  # fmt: skip
    page = tmp_path / "report.html"
    run(ReportRequest(layer, str(page), title="<h1>title</h1>"))
    found = Page(page)
    assert "script" not in found.tags and "b" not in found.tags
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert found.text.count("<script>alert(1)</script>") >= 3 and "<h1>title</h1>" in found.text and "a<b>&'c" in found.text
    assert "default-src 'none'" in page.read_text("utf-8")


def test_a_layer_from_elsewhere_opens_no_connection(tmp_path):
    request = {"before": "/vsicurl/http://198.51.100.1/before.tif", "after": "http://198.51.100.1/after.tif"}
    layer = write_layer(tmp_path / "changes.gpkg", grid({(0, 0): HOUSES}), tags={TAG: json.dumps({"request": request})})
    found = run(ReportRequest(layer, str(tmp_path / "report.html")))
    assert len(found["warnings"]) == 2 and all("is on the network" in note for note in found["warnings"])


def test_without_the_rasters_the_page_says_so(captioned, tmp_path):
    (tmp_path / "after.tif").unlink()
    found = run(ReportRequest(str(captioned), str(tmp_path / "report.html")))
    assert len(found["warnings"]) == 1 and "after.tif cannot be opened (there is no such file)" in found["warnings"][0]
    page = Page(tmp_path / "report.html")
    assert "No pictures of the after date" in page.text and page.text.count("before.tif compared with after.tif") == 1
    assert page.tags.count("img") == 1 + 3


def test_named_rasters_must_fit(captioned, make_pair, tmp_path):
    with pytest.raises(RasterError, match="there is no such file"):
        run(ReportRequest(str(captioned), str(tmp_path / "r.html"), before=str(tmp_path / "moved.tif")))
    elsewhere = tmp_path / "elsewhere.tif"
    with rasterio.open(tmp_path / "before.tif") as source:
        profile = source.profile | {"transform": rasterio.Affine(0.5, 0, 0, 0, -0.5, 0)}
        with rasterio.open(elsewhere, "w", **profile) as target:
            target.write(source.read())
    with pytest.raises(InputError, match="has no data where the layer's tiles lie"):
        run(ReportRequest(str(captioned), str(tmp_path / "r.html"), before=str(elsewhere)))
    assert not (tmp_path / "r.html").exists()


def test_layers_that_are_not_ours(tmp_path, make_pair):
    other = {"geometry": "Polygon", "properties": {"name": "str"}}
    with fiona.open(tmp_path / "other.gpkg", "w", driver="GPKG", layer="roads", schema=other, crs="EPSG:32633"):
        pass
    target = str(tmp_path / "r.html")
    for path, match in (
        (tmp_path / "none.gpkg", "there is no such file"),
        (tmp_path / "other.gpkg", r"no layers of change captions \(only roads\)"),
        (f"{tmp_path}/other.gpkg|layername=roads", "has no column tile_id"),
        (make_pair()[0], "cannot be read"),
        (write_layer(tmp_path / "empty.gpkg", []), "has no tiles"),
    ):
        with pytest.raises(InputError, match=match):
            run(ReportRequest(str(path), target))


@pytest.mark.parametrize(
    ("members", "match"),
    [
        ({"top": -1}, "top = -1"),
        ({"top": 201}, "0 to 200"),
        ({"output": ""}, "output = ''"),
        ({"before": ""}, "before = ''"),
        ({"x": 1}, "a report request"),
    ],
)
def test_wrong_requests(members, match):
    with pytest.raises(InputError, match=match):
        ReportRequest.from_json({"layer": "a.gpkg", "output": "b.html"} | members)


def test_outputs_that_cannot_be(tmp_path):
    layer = write_layer(tmp_path / "changes.gpkg", grid({}))
    for output, match in (("r.pdf", "ends in .html"), ("no/r.html", "does not exist")):
        with pytest.raises(OutputError, match=match):
            run(ReportRequest(layer, str(tmp_path / output)))
    with pytest.raises(OutputError, match="ends in .png"):
        run(ReportRequest(layer, str(tmp_path / "r.html"), png=str(tmp_path / "map.jpg")))


def test_provenance_that_qgis_wrote_is_read(tmp_path):
    """QGIS keeps it in XML of its own, beside the layer (as ``finish_layer`` writes it)."""
    path = write_layer(tmp_path / "changes.gpkg", grid({(0, 0): HOUSES}), name="changes", tags={"a": "b"})
    line = json.dumps({"before": str(tmp_path / "a & b.tif"), "after": "c.tif"}).replace("&", "&amp;").replace('"', "&quot;")
    xml = f"<qgis><history>started: &quot;2026&quot;</history><history>request: {line}</history><history>no JSON</history></qgis>"
    with sqlite3.connect(path) as database:
        database.execute(
            "INSERT INTO gpkg_metadata (md_scope, md_standard_uri, mime_type, metadata) VALUES ('dataset', ?, 'text/xml', ?)",
            ("http://mrcc.com/qgis.dtd", xml),
        )
        key = database.execute("SELECT max(id) FROM gpkg_metadata").fetchone()[0]
        database.execute("INSERT INTO gpkg_metadata_reference (reference_scope, table_name, md_file_id) VALUES ('table', 'changes', ?)", (key,))
    found = read_layer(path).provenance
    assert found["started"] == "2026" and found["request"]["before"].endswith("a & b.tif")


def test_older_layers_without_review_are_read(tmp_path):
    path = write_layer(tmp_path / "old.gpkg", grid({(0, 0): HOUSES}), fields=fields_of(TILE))
    assert story_of(path).changed == 1


def test_words_of_place_and_number(tmp_path):
    few = {(0, 4): HOUSES, (0, 3): "a house is built", (1, 4): HOUSES}
    story = story_of(write_layer(tmp_path / "a.gpkg", grid(few)))
    text = story.paragraph()
    assert "20 tiles (32.8 ha) were compared." in text
    assert "3 tiles show change (4.92 ha, 15 % of the compared ground), mostly in the north-east." in text
    assert "Buildings were added in 3 tiles (4.92 ha of tiles)." in text and f"on 2 tiles, is “{HOUSES}”" in text
    one = story_of(write_layer(tmp_path / "b.gpkg", grid({(3, 0): HOUSES}))).paragraph()
    assert "One tile shows change (1.64 ha, 5 % of the compared ground), in the south-west. There, buildings were added." in one
    assert "commonest" not in one
    several = tile(0, 0, HOUSES, added="building; water", removed="vegetation")
    text = story_of(write_layer(tmp_path / "f.gpkg", [several])).paragraph()
    assert "There, buildings and water were added and vegetation was removed. Nobody has marked this caption" in text
    assert "No change was found." in story_of(write_layer(tmp_path / "c.gpkg", grid({}))).paragraph()
    alone = story_of(write_layer(tmp_path / "d.gpkg", [tile(0, 0, HOUSES)])).paragraph()
    assert alone.startswith("1 tile (1.64 ha) was compared. It shows change. There, buildings were added.")
    nothing = story_of(write_layer(tmp_path / "e.gpkg", [tile(0, 0, changed=None, status="skipped_nodata")])).paragraph()
    assert nothing == "Nothing could be compared: the layer has 1 tile with too little data."


def test_even_change_has_no_place(tmp_path):
    everywhere = {(row, col): HOUSES for row in (0, 3) for col in (0, 4)}
    assert story_of(write_layer(tmp_path / "a.gpkg", grid(everywhere))).where is None
    assert story_of(write_layer(tmp_path / "b.gpkg", grid({(row, 0): HOUSES for row in range(4)}))).where == "west"


def test_areas_are_those_of_the_ellipsoid(tmp_path):
    """One degree by one degree at the equator is 12,308.8 km² on WGS 84 (GeographicLib's Planimeter: 12308778361 m²)."""
    path = write_layer(tmp_path / "degree.gpkg", [tile(0, 0, HOUSES)], crs="EPSG:4326", origin=(0.0, 1.0), size=1.0)
    assert story_of(path).changed_m2 == pytest.approx(12_308_778_361, rel=2e-4)
    # Web Mercator's metres are 1/cos(latitude) too long; 100 of them at 60° north cover a quarter of a hectare.
    mercator = write_layer(tmp_path / "mercator.gpkg", [tile(0, 0, HOUSES)], crs="EPSG:3857", origin=(0.0, 8_399_737.9), size=100.0)
    assert story_of(mercator).changed_m2 == pytest.approx(2500, rel=0.01)
    across = write_layer(tmp_path / "date_line.gpkg", [tile(0, 0, HOUSES)], crs="EPSG:3832", origin=(3_339_000.0, 0.0), size=1000.0)
    assert story_of(across).changed_m2 == pytest.approx(1e6, rel=0.01)


def test_overlapping_tiles_count_their_ground_once(tmp_path):
    rows = [tile(row, col, HOUSES) for row in range(2) for col in range(2)]
    path = write_layer(tmp_path / "apart.gpkg", rows)
    apart = story_of(path).changed_m2
    layer = read_layer(path)
    moved = [type(cell)(tuple((x - 64 * cell.properties["col"], y) for x, y in cell.ring), cell.properties) for cell in layer.cells]
    ground = Ground(layer.crs_wkt, moved)
    assert ground.area_m2(moved) == pytest.approx(0.75 * apart, rel=1e-6)
    assert ground.area_m2(moved[:1]) == pytest.approx(0.25 * apart, rel=1e-6)


def test_top_changes_vary(tmp_path):
    rows = [tile(0, col, HOUSES, change_score=0.99) for col in range(4)] + [tile(3, 0, "a road appears", change_score=0.7, added="road")]
    cells = read_layer(write_layer(tmp_path / "a.gpkg", rows)).cells
    assert [cell.properties["tile_id"] for cell in top_changes(cells, 3)] == ["r00000_c00000", "r00003_c00000", "r00000_c00002"]
    assert top_changes(cells, 0) == [] and len(top_changes(cells, 50)) == 5


def test_reviews_take_precedence(tmp_path):
    rows = grid({(0, 0): HOUSES, (0, 1): HOUSES, (0, 2): HOUSES, (0, 3): HOUSES})
    rows[0] |= {"review": "wrong"}  # and nobody said what is right
    rows[1] |= {"review": "wrong", "edited_caption": "a pond is dug", "added": None}
    rows[2] |= {"review": "wrong", "changed": False}  # a false alarm
    rows[3] |= {"review": "right"}
    rows[7] |= {"edited_caption": "a shed appears", "changed": True, "added": "building"}  # what the model missed
    layer = read_layer(write_layer(tmp_path / "a.gpkg", rows))
    captions = [cell.properties["caption"] for cell in layer.cells if cell.changed]
    assert captions == ["a pond is dug", HOUSES, "a shed appears"] and layer.cells[1].classes == ["+water"]
    story = tell(layer, Ground(layer.crs_wkt, layer.cells))
    assert (story.compared, story.changed, story.disputed, story.skipped, story.right, story.wrong) == (19, 3, 1, 0, 1, 3)
    assert "1 tile with a caption marked as wrong and not corrected left out" in story.paragraph()
    assert "A person has marked 1 as right and 3 as wrong." in story.paragraph()


def test_review_of_single_rows():
    assert is_disputed(tile(0, 0, HOUSES, review="wrong")) and not is_disputed(tile(0, 0, HOUSES, review="right"))
    assert settled(tile(0, 0, HOUSES, changed=False))["caption"] == UNCHANGED_TEXT
    assert settled(tile(0, 0, HOUSES, edited_caption="  "))["caption"] == HOUSES
    missed = tile(0, 0, None, status="failed", changed=True, edited_caption="a house is built")
    assert settled(missed)["changed"] and settled(missed)["added"] == "building"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.00 m²"), (12.3, "12.3 m²"), (999, "999 m²"), (16_384, "1.64 ha"), (999_000, "99.9 ha"), (1.234e6, "1.23 km²"), (5e9, "5,000 km²")],
)
def test_areas_as_text(value, text):
    assert area_text(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.001, "less than 1 %"), (0.126, "13 %"), (0.999, "more than 99 %"), (1, "100 %"), (1 - 1e-12, "100 %")]
)
def test_shares_as_text(share, text):
    assert percent(share) == text


def test_the_worker_serves_reports(captioned, tmp_path):
    import threading

    from engine.worker import Engine

    message = {"type": "report", "report": {"layer": str(captioned), "output": str(tmp_path / "r.html")}}
    assert Engine().handle(message, lambda event: None, threading.Event())["changed"] == 3
    with pytest.raises(InputError, match="a report request"):
        Engine().handle({"type": "report"}, lambda event: None, threading.Event())


def test_real_georeferenced_pair(tmp_path):
    folder = ROOT.parent / "shared" / "data" / "geotiff" / "fotbcd"
    if not folder.is_dir():
        pytest.skip("the shared georeferenced pairs are not here")
    paths = [str(folder / f"Binary_val_104_{date}.tif") for date in ("before", "after")]
    output, page = tmp_path / "real.gpkg", tmp_path / "real.html"
    assert main(["caption", *paths, "-o", str(output), "--threshold", "0", "--decoding", "greedy"]) == 0
    assert main(["report", str(output), "-o", str(page)]) == 0
    found = Page(page)
    # 515 px of 0.2 m: 1.06 ha, in tiles that are clipped at the edge. In Lambert-93 a metre is up to a thousandth longer or shorter on the ground.
    assert re.search(r"\d tiles \(1\.0[56] ha\) were compared", found.text), found.text[:300]
    assert found.tags.count("img") == 1 + 2 * min(12, found.tags.count("article")) and found.tags.count("article") == 9
    assert re.search(r"4\d\.\d{5}° N", found.text)
