"""``changescribe convert``: a run's layer in other formats."""

import json
import math

import fiona
import numpy as np
import pytest
import shapely
from rasterio.warp import transform

from engine.cli import main
from engine.contract.errors import InputError, OutputError
from engine.contract.fields import TILE, fields_of, names_of
from engine.contract.tiles import LAYER_NAME
from engine.output.convert import FORMATS, convert

TYPES = {"text": "str", "int": "int32", "bool": "bool", "real": "float"}
LONG = "a row of houses is built along the road and " * 8


@pytest.fixture
def layer(tmp_path):
    """Two tiles in UTM 33N at 15° east, 45.15° north; one has no caption."""
    path = tmp_path / "out.gpkg"
    schema = {"geometry": "Polygon", "properties": {field.name: TYPES[field.kind] for field in fields_of(TILE)}}
    with fiona.open(path, "w", driver="GPKG", layer=LAYER_NAME, schema=schema, crs="EPSG:32633") as written:
        for col, caption in enumerate((LONG, None)):
            x, y = 500000 + 128 * col, 5000000
            ring = [(x, y), (x + 128, y), (x + 128, y - 128), (x, y - 128), (x, y)]
            values = dict.fromkeys(names_of(TILE)) | {"tile_id": f"c{col}", "row": 0, "col": col, "caption": caption, "change_score": 0.5}
            written.write({"geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": values})
    return str(path)


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_all_tiles_and_values_are_there(layer, tmp_path, suffix):
    target = tmp_path / f"out{suffix}"
    assert convert(layer, str(target))["tiles"] == 2
    with fiona.open(target) as written:
        rows = {record.properties["tile_id"]: record for record in written}
        assert [name[:10] for name in names_of(TILE)] == [name[:10] for name in written.schema["properties"]]
        epsg = written.crs.to_epsg()
    x, y = rows["c0"].geometry.coordinates[0][0]
    assert (epsg, x, y) == pytest.approx((4326, 15.0, 45.153), abs=1e-3) if suffix == ".geojson" else (epsg, x, y) == (32633, 500000, 5000000)
    assert rows["c0"].properties["caption"] == (LONG[:254].rstrip() if suffix == ".shp" else LONG)
    assert rows["c1"].properties["caption"] is None


@pytest.mark.parametrize("crs", ["EPSG:32760", "EPSG:32701", "past 180", "under -180", "EPSG:3832", "web mercator past its edge"])
@pytest.mark.parametrize("east_m", [-900, -30, 0, 40, 900])
def test_geojson_of_tiles_on_the_antimeridian(tmp_path, crs, east_m):
    """Each tile of 128 m lies, as RFC 7946 has it, between −180 and 180°: in two parts where it crosses, none lost."""
    known = {"past 180": "EPSG:4326", "under -180": "EPSG:4326", "web mercator past its edge": "EPSG:3857"}.get(crs, crs)
    lon = 180 + east_m / 106_500
    (x,), (y,) = transform("EPSG:4326", known, [lon - 360 * (lon > 180)], [-16.8])
    x += {"past 180": 360, "web mercator past its edge": 2 * math.pi * 6378137}.get(crs, 0) * (lon > 180) - 360 * (crs == "under -180" and lon <= 180)
    half = 64 / (1 if known.startswith("EPSG:32") else math.cos(math.radians(16.8))) / (111_320 if known == "EPSG:4326" else 1)
    path = tmp_path / "out.gpkg"
    schema = {"geometry": "Polygon", "properties": {field.name: TYPES[field.kind] for field in fields_of(TILE)}}
    with fiona.open(path, "w", driver="GPKG", layer=LAYER_NAME, schema=schema, crs=known) as written:
        ring = [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half), (x - half, y - half)]
        written.write({"geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": dict.fromkeys(names_of(TILE))})
    convert(str(path), str(tmp_path / "out.geojson"))
    (feature,) = json.loads((tmp_path / "out.geojson").read_text())["features"]
    crosses = abs(east_m) < 60
    assert feature["geometry"]["type"] == ("MultiPolygon" if crosses else "Polygon")
    shape = shapely.geometry.shape(feature["geometry"])
    assert shape.bounds[0] >= -180 and shape.bounds[2] <= 180
    metres = shapely.transform(shape, lambda points: (np.column_stack([points[:, 0] % 360, points[:, 1]]) - (180, -16.8)) * (106_600, 110_650))
    assert metres.area == pytest.approx(128 * 128, rel=0.06)
    assert metres.centroid.x == pytest.approx(east_m, abs=3) and metres.centroid.y == pytest.approx(0, abs=3)


def test_what_a_shapefile_cuts_is_said(layer, tmp_path):
    names, texts = convert(layer, str(tmp_path / "out.shp"))["warnings"]
    assert "change_score is change_sco, valid_before is valid_befo" in names
    assert texts == "a Shapefile cuts texts to 254 bytes: those of 1 tile are cut"
    assert convert(layer, str(tmp_path / "out.fgb"))["warnings"] == []


def test_nothing_is_left_of_a_failure(layer, tmp_path, monkeypatch):
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OutputError, match="cannot be written .disk full"):
        convert(layer, str(tmp_path / "new.fgb"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.gpkg"]


@pytest.mark.parametrize(
    ("source", "target", "error", "match"),
    [
        ("missing.gpkg", "a.fgb", InputError, "no file .*missing.gpkg. Needed: the GeoPackage of a run"),
        ("out.gpkg", "a.kml", OutputError, "a.kml as output. Needed: a name that ends in .geojson or .fgb or .shp"),
        ("out.gpkg", "there.fgb", OutputError, "there.fgb exists"),
        ("there.fgb", "a.fgb", InputError, "no layer change_captions in .*there.fgb"),
    ],
)
def test_what_is_refused(layer, tmp_path, source, target, error, match):
    (tmp_path / "there.fgb").touch()
    with pytest.raises(error, match=match):
        convert(str(tmp_path / source), str(tmp_path / target))


def test_command(layer, tmp_path, capsys):
    assert main(["convert", layer, "-o", str(tmp_path / "out.geojson"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["result"]["tiles"] == 2
    assert len(json.loads((tmp_path / "out.geojson").read_text())["features"]) == 2
