"""Vector files by any name and form, and files that another program holds."""

import os
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import ExitStack

import fiona
import pytest
import rasterio
import shapely
from made_ground import CENTRE, HOME
from rasterio.warp import transform

from engine.contract.errors import AreaError, InputError, OutputError
from engine.geo import vector
from engine.geo.area import read_area
from engine.output import heat_polygons
from engine.output.convert import convert
from engine.output.writer import GridWriter, read_provenance, verify_path
from engine.report.layer import read_layer

UTM = rasterio.CRS.from_string(HOME)
NAMES = ["plain.gpkg", "pi|pe.gpkg", "a|layername=b.gpkg", "|.gpkg", "x|y|z.gpkg"]


def area_file(path, *sizes_m, layer="area"):
    with fiona.open(path, "w", driver="GPKG", layer=layer, crs=HOME, schema={"geometry": "Polygon", "properties": {}}) as out:
        for size_m in sizes_m:
            out.write({"geometry": shapely.geometry.mapping(shapely.box(*CENTRE, CENTRE[0] + size_m, CENTRE[1] + size_m)), "properties": {}})
    return str(path)


def output(path):
    """A finished output of ours, with one tile."""
    from engine.contract.tiles import TileCaption, TileRef

    x, y = CENTRE
    ring = ((x, y), (x + 9, y), (x + 9, y - 9), (x, y - 9), (x, y))
    with GridWriter.open(path, UTM.to_wkt(), {"request": {}}) as writer:
        writer.add(TileCaption(TileRef(0, 0, 0, 0, 64, 64), None, 0.0, 0.0, "m", "skipped_nodata", 0.0, ring))
    return str(path)


@pytest.mark.parametrize("name", NAMES)
def test_bars_in_names_are_part_of_them(tmp_path, name):
    path = area_file(tmp_path / name, 20)
    area_file(path, 30, layer="other")
    with pytest.raises(AreaError, match="holds the layers area, other"):
        read_area(path, UTM)
    assert read_area(f"{path}|layername=other", UTM).area == pytest.approx(900)
    assert read_area(f"{path}|LayerName=area", UTM).area == pytest.approx(400)
    with pytest.raises(AreaError, match=r"Needed: path or path\|layername=NAME"):
        read_area(f"{path}|layername=area|subset=fid > 3", UTM)
    made = output(tmp_path / f"out {name}")
    assert len(read_layer(made).cells) == len(read_layer(f"{made}|layername=change_captions").cells) == 1
    assert convert(made, str(tmp_path / f"{name}.geojson"))["tiles"] == 1


def test_a_missing_file_is_named_whole():
    assert vector.split_layer("/nowhere/a|b.gpkg") == ("/nowhere/a|b.gpkg", {})
    assert vector.split_layer("/nowhere/a.gpkg|layername=x|subset=y = 1") == ("/nowhere/a.gpkg", {"layername": "x", "subset": "y = 1"})
    with pytest.raises(AreaError, match=r"/nowhere/a\|b.gpkg cannot be read"):
        read_area("/nowhere/a|b.gpkg", UTM)
    with pytest.raises(InputError, match=r"/nowhere/a\|b.gpkg cannot be read .there is no such file"):
        read_layer("/nowhere/a|b.gpkg")


@pytest.mark.parametrize("suffix", [".shp", ".SHP"])
def test_a_shapefile_without_its_index_is_said_to_lack_it(tmp_path, suffix):
    with fiona.open(tmp_path / "a.shp", "w", driver="ESRI Shapefile", crs=HOME, schema={"geometry": "Polygon", "properties": {"n": "int"}}) as out:
        out.write({"geometry": shapely.geometry.mapping(shapely.box(0, 0, 9, 9)), "properties": {"n": 1}})
    (tmp_path / "a.shx").unlink()
    (tmp_path / "a.shp").rename(tmp_path / f"a{suffix}")
    for error, read in ((AreaError, lambda path: read_area(path, UTM)), (InputError, read_layer)):
        with pytest.raises(error, match=r"cannot be read .a\.shx, which belongs to it, is missing.*copy all of them"):
            read(str(tmp_path / f"a{suffix}"))


def kml(*polygons, extra=""):
    def ring(shape):
        lons, lats = transform(HOME, "EPSG:4326", *shape.exterior.coords.xy)
        return " ".join(f"{lon:.9f},{lat:.9f},12" for lon, lat in zip(lons, lats))

    marks = "".join(
        f"<Placemark><name>a</name><Polygon><outerBoundaryIs><LinearRing><coordinates>{ring(shape)}</coordinates></LinearRing></outerBoundaryIs>"
        "</Polygon></Placemark>"
        for shape in polygons
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>{extra}{marks}</Document></kml>'


@pytest.mark.parametrize("name", ["doc.kml", "Fläche.KML", "area.kmz", "Area.KMZ"])
def test_google_earths_files_are_areas(tmp_path, name):
    x, y = CENTRE
    text = kml(shapely.box(x, y, x + 20, y + 30), shapely.box(x + 50, y, x + 60, y + 10))
    path = tmp_path / name
    if name.lower().endswith("kmz"):
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("images/a.png", b"")
            packed.writestr("doc.kml", text)
    else:
        path.write_text(text, "utf-8")
    assert read_area(str(path), UTM).area == pytest.approx(700, rel=1e-3)


def test_a_kml_without_polygons_and_a_kmz_that_is_none_are_said(tmp_path):
    point = "<Placemark><Point><coordinates>13.4,52.5,0</coordinates></Point></Placemark>"
    (tmp_path / "points.kml").write_text(kml(extra=point), "utf-8")
    with pytest.raises(AreaError, match="holds Point"):
        read_area(str(tmp_path / "points.kml"), UTM)
    (tmp_path / "bad.kmz").write_text(kml())
    with pytest.raises(AreaError, match="bad.kmz cannot be read .*not a zip"):
        read_area(str(tmp_path / "bad.kmz"), UTM)
    with zipfile.ZipFile(tmp_path / "empty.kmz", "w") as packed:
        packed.writestr("a.png", b"")
    with pytest.raises(AreaError, match="no KML inside"):
        read_area(str(tmp_path / "empty.kmz"), UTM)


HOLDER = """import sqlite3, sys
for path in sys.argv[2:]:
    held = sqlite3.connect(path, isolation_level=None)
    globals()[path] = held
    held.execute("PRAGMA journal_mode=" + ("wal" if sys.argv[1] == "IMMEDIATE" else "delete"))
    held.execute("BEGIN " + sys.argv[1])
    held.execute("UPDATE gpkg_contents SET description = 'x'")
print("held", flush=True)
sys.stdin.read()"""


@pytest.fixture
def hold():
    """Hold GeoPackages as another program does: "EXCLUSIVE", or "IMMEDIATE", which only keeps other writers away."""
    with ExitStack() as stack:

        def hold(how, *paths):
            command = [sys.executable, "-c", HOLDER, how, *map(str, paths)]
            process = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            assert process.stdout.readline().strip() == b"held"

        yield hold


LOCKED = "is locked by another program.*no other program holds.*end the editing"


def test_a_file_that_another_program_locks_is_said_to_be(tmp_path, hold):
    ours, area = output(tmp_path / "out.gpkg"), area_file(tmp_path / "area.gpkg", 20)
    heat = str(tmp_path / "heat.gpkg")
    with fiona.open(heat, "w", driver="GPKG", layer=heat_polygons.LAYER, crs=HOME, schema=heat_polygons.SCHEMA):
        pass
    hold("EXCLUSIVE", ours, area, heat)
    for error, read in (
        (InputError, lambda: read_layer(ours)),
        (InputError, lambda: convert(ours, str(tmp_path / "a.fgb"))),
        (OutputError, lambda: read_provenance(tmp_path / "out.gpkg")),
        (OutputError, lambda: heat_polygons.read_provenance(tmp_path / "heat.gpkg")),
        (AreaError, lambda: read_area(area, UTM)),
    ):
        with pytest.raises(error, match=LOCKED):
            read()


def test_while_another_program_writes_it_can_be_read_and_not_resumed(tmp_path, hold, monkeypatch):
    ours = output(tmp_path / "out.gpkg")
    hold("IMMEDIATE", ours)
    assert len(read_layer(ours).cells) == 1
    assert not vector.is_locked(ours) and vector.is_locked(ours, writing=True)
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: real(*given, **{**named, "timeout": 0}))
    with pytest.raises(OutputError, match=LOCKED):
        GridWriter.open(ours, UTM.to_wkt(), {"request": {}}, resume=True)


def test_what_is_not_locked_keeps_its_own_message(tmp_path):
    (tmp_path / "no.gpkg").write_bytes(b"no database" * 200)
    for path in (tmp_path / "no.gpkg", tmp_path / "missing.gpkg", tmp_path):
        assert not vector.is_locked(path) and not vector.is_locked(path, writing=True)
    with pytest.raises(OutputError, match="is not an output of ChangeScribe"):
        read_provenance(tmp_path / "no.gpkg")


@pytest.mark.parametrize("letter", ["x", "é", "日"])
def test_names_that_are_too_long_are_refused_and_shorter_ones_work(tmp_path, letter):
    most = os.pathconf(tmp_path, "PC_NAME_MAX") - 21
    longest = letter * ((most - len(".gpkg")) // len(letter.encode())) + ".gpkg"
    assert len(read_layer(output(tmp_path / longest)).cells) == 1
    for more in (1, 5, 16, 50, 300):
        name = letter * more + longest
        if len(name.encode()) > most:
            with pytest.raises(OutputError, match=f"name too long: .* has {len(name.encode())} bytes. Needed: at most {most} bytes"):
                verify_path(tmp_path / name, (".gpkg",))
            with pytest.raises(OutputError, match="name too long"):
                GridWriter.open(tmp_path / name, UTM.to_wkt(), {})
    for read in (read_layer, lambda path: read_area(path, UTM), lambda path: convert(path, str(tmp_path / "a.fgb"))):
        with pytest.raises(InputError, match="no such file|cannot be read|no file"):
            read(str(tmp_path / ("x" * 300 + ".gpkg")))


def test_paths_too_long_for_sqlite_are_refused(tmp_path):
    folder = tmp_path
    while len(str(folder)) < 480:
        folder = folder / ("d" * min(100, max(1, 480 - len(str(folder)))))
    folder.mkdir(parents=True)
    with pytest.raises(OutputError, match="path too long"):
        GridWriter.open(folder / "result.gpkg", UTM.to_wkt(), {})
    verify_path(folder / "report.html", (".html",))
    with pytest.raises(OutputError, match="does not exist"):
        verify_path(tmp_path / ("d" * 300) / "a.gpkg", (".gpkg",))
