"""The output layer: what a reader finds in it, a killed run, a run beside another, and every place that cannot be written."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import fiona
import pytest
import rasterio

from engine.contract.errors import OutputError
from engine.contract.fields import REVIEW, TILE, names_of
from engine.contract.tiles import LAYER_NAME, Caption, TileCaption, TileRef
from engine.output import writer as module
from engine.output.writer import GridWriter, read_provenance

WKT = rasterio.CRS.from_epsg(32633).to_wkt()
REPOSITORY = Path(__file__).resolve().parents[3]
PROVENANCE = {
    "request": {"before": "/a.tif", "threshold": 0.5, "device": "cpu", "batch_size": 8, "seed": 0},
    "model": {"id": "scribe-s", "sha256": "ab" * 32},
    "grid": {"tile_px": 256, "height": 9},
    "versions": {"torch": "2.4"},
}


def tile(row, col, status="captioned", text="a house was built", seconds=0.1):
    ring = tuple((400_000.0 + 128 * (col + x), 5_800_000.0 - 128 * (row + y)) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0)))
    caption = Caption(text, True, 0.9, ("building", "road"), (), (), 0.8) if status == "captioned" else None
    return TileCaption(TileRef(row, col, 256 * row, 256 * col, 256, 256), caption, 1.0, 0.75, "scribe-s", status, seconds, ring)


def begin(path, resume=False, **changes):
    return GridWriter.open(path, WKT, PROVENANCE | changes, resume)


def rows(path):
    """Everything but fid and seconds, geometry included, in the order of the tiles."""
    with fiona.open(path, layer=LAYER_NAME) as layer:
        found = [
            ({name: value for name, value in dict(feature.properties).items() if name != "seconds"}, feature.geometry["coordinates"])
            for feature in layer
        ]
    return sorted(found, key=lambda row: row[0]["tile_id"])


def query(path, sql):
    with sqlite3.connect(path) as database:
        return database.execute(sql).fetchall()


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "out.gpkg"
    with begin(path) as writer:
        assert writer.done == set()
        writer.add(tile(0, 0))
        writer.add(tile(0, 1, "skipped_nodata"))
    with fiona.open(path, layer=LAYER_NAME) as layer:
        assert tuple(layer.schema["properties"]) == names_of(TILE, REVIEW)
        assert layer.schema["properties"]["changed"] == "bool" and layer.schema["geometry"] == "Polygon"
        assert layer.crs.to_epsg() == 32633
        first, second = list(layer)
    unjudged = {"edited_caption": None, "review": None}
    assert dict(first.properties) == tile(0, 0).properties() | unjudged
    assert dict(second.properties) == tile(0, 1, "skipped_nodata").properties() | unjudged
    assert [tuple(point) for point in first.geometry["coordinates"][0]] == list(tile(0, 0).footprint)
    assert not list(tmp_path.glob("*partial*"))


def test_provenance_in_the_layers_metadata(tmp_path):
    path = tmp_path / "out.gpkg"
    writer = begin(path)
    assert "ended" not in read_provenance(path)
    writer.add(tile(0, 0))
    writer.close({"done": 1})
    found = read_provenance(path)
    assert found["counts"] == {"done": 1} and found["started"] <= found["ended"]
    assert {name: found[name] for name in PROVENANCE} == PROVENANCE
    assert len(query(path, "SELECT * FROM gpkg_metadata")) == 1


def test_the_queries_name_the_layer():
    assert all(LAYER_NAME in sql for sql in (module.ONE_ROW_A_TILE, module.DELETE_FAILED, module.SELECT_DONE, module.RECOUNT))


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="no ogrinfo (gdal-bin)")
def test_another_gdal_reads_the_layer(tmp_path):
    """QGIS brings its own, often older, GDAL."""
    path = tmp_path / "out.gpkg"
    with begin(path) as writer:
        writer.add(tile(2, 3))
    told = subprocess.run(["ogrinfo", "-ro", "-al", str(path)], capture_output=True, text=True, check=True)
    assert "Layer name: change_captions" in told.stdout and "caption (String) = a house was built" in told.stdout
    assert "changed (Integer(Boolean)) = 1" in told.stdout
    assert "ERROR" not in told.stderr and "Warning" not in told.stderr


def test_committed_batches_are_visible_while_the_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_TILES", 3)
    monkeypatch.setattr(module, "BATCH_S", 1e9)
    path = tmp_path / "out.gpkg"
    with begin(path) as writer:
        for col in range(7):
            writer.add(tile(0, col))
        assert len(rows(path)) == 6
    assert len(rows(path)) == 7


def test_a_batch_does_not_wait_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH_S", 0.0)
    path = tmp_path / "out.gpkg"
    with begin(path) as writer:
        writer.add(tile(0, 0))
        assert len(rows(path)) == 1


def test_an_error_in_the_run_keeps_the_tiles(tmp_path):
    path = tmp_path / "out.gpkg"
    with pytest.raises(ZeroDivisionError), begin(path) as writer:
        writer.add(tile(0, 0))
        1 / 0  # noqa: B018
    assert len(rows(path)) == 1


def test_resume_does_failed_tiles_again_and_doubles_none(tmp_path):
    path = tmp_path / "out.gpkg"
    with begin(path) as writer:
        for one in (tile(0, 0), tile(0, 1, "failed"), tile(1, 0, "skipped_nodata")):
            writer.add(one)
    with begin(path, resume=True) as writer:
        assert writer.done == {(0, 0), (1, 0)}
        writer.add(tile(0, 1))
        writer.add(tile(1, 1))
    assert [(row["tile_id"], row["status"]) for row, _ in rows(path)] == [
        ("r00000_c00000", "captioned"),
        ("r00000_c00001", "captioned"),
        ("r00001_c00000", "skipped_nodata"),
        ("r00001_c00001", "captioned"),
    ]


def test_resume_without_an_earlier_run_begins_one(tmp_path):
    with begin(tmp_path / "out.gpkg", resume=True) as writer:
        assert writer.done == set()


def test_device_batch_size_and_versions_may_change_on_resume(tmp_path):
    path = tmp_path / "out.gpkg"
    begin(path).close()
    request = PROVENANCE["request"] | {"device": "cuda", "batch_size": 64}
    begin(path, resume=True, request=request, versions={"torch": "3"}).close()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"request": PROVENANCE["request"] | {"threshold": 0.7}}, r"request\.threshold: 0\.5 then, 0\.7 now"),
        ({"request": PROVENANCE["request"] | {"before": "/b.tif"}}, r"request\.before: '/a\.tif' then, '/b\.tif' now"),
        ({"model": {"id": "scribe-s", "sha256": "cd" * 32}}, r"model\.sha256: 'abab"),
        ({"grid": {"tile_px": 128, "height": 9}}, r"grid\.tile_px: 256 then, 128 now"),
    ],
)
def test_resume_of_another_run_names_the_difference(tmp_path, changes, match):
    path = tmp_path / "out.gpkg"
    begin(path).close()
    with pytest.raises(OutputError, match="belongs to another run.*" + match):
        begin(path, resume=True, **changes)
    begin(path, resume=True).close()  # and the refusal leaves no lock


def test_existing_output_is_not_overwritten(tmp_path):
    path = tmp_path / "out.gpkg"
    with begin(path) as writer:
        writer.add(tile(0, 0))
    with pytest.raises(OutputError, match="out.gpkg exists.*--resume"):
        begin(path)
    assert len(rows(path)) == 1


def test_resume_of_a_foreign_file(tmp_path):
    path = tmp_path / "out.gpkg"
    path.write_bytes(b"no database at all")
    with pytest.raises(OutputError, match="not an output of ChangeScribe"):
        begin(path, resume=True)
    assert path.read_bytes() == b"no database at all"


def test_two_runs_on_one_output(tmp_path):
    path = tmp_path / "out.gpkg"
    with begin(path):
        with pytest.raises(OutputError, match="being written by another run"):
            begin(path, resume=True)
        child = _child(tmp_path, "begin(path, resume=True)")
        assert child.wait(60) == 1 and "being written by another run" in child.stderr.read()
    begin(path, resume=True).close()


def _child(tmp_path, code):
    """Run code in a process of its own, with this module's names and ``path``."""
    script = f"import sys; sys.path[:0] = {[str(REPOSITORY), str(Path(__file__).parent)]!r}\nfrom test_writer import *\n"
    script += f"path = Path({str(tmp_path / 'out.gpkg')!r})\n" + textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    every = [tile(row, col, "failed" if (row, col) == (0, 3) else "captioned") for row in range(12) for col in range(10)]
    with begin(tmp_path / "whole.gpkg") as writer:
        for one in every:
            writer.add(tile(one.ref.row, one.ref.col))
    child = _child(
        tmp_path,
        """
        module.BATCH_TILES = 7
        writer = begin(path)
        for i in range(120):
            writer.add(tile(i // 10, i % 10, "failed" if i == 3 else "captioned"))
            if i == 60:
                print("there", flush=True)
                import time; time.sleep(60)
        """,
    )
    assert child.stdout.readline() == "there\n"
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    path = tmp_path / "out.gpkg"
    assert (path.parent / "out.gpkg.lock").exists()
    with begin(path, resume=True) as writer:  # the dead process's lock is no lock
        assert len(writer.done) == 55  # eight batches of seven, less the failed tile
        for one in every:
            if (one.ref.row, one.ref.col) not in writer.done:
                writer.add(tile(one.ref.row, one.ref.col))
    assert rows(path) == rows(tmp_path / "whole.gpkg")
    for other in ("out", "whole"):
        assert query(tmp_path / f"{other}.gpkg", "SELECT feature_count FROM gpkg_ogr_contents") == [(120,)]
        assert query(tmp_path / f"{other}.gpkg", "SELECT count(*) FROM rtree_change_captions_geom") == [(120,)]
        assert query(tmp_path / f"{other}.gpkg", "SELECT min_x, min_y, max_x, max_y FROM gpkg_contents") == [
            (400_000.0, 5_800_000.0 - 12 * 128, 400_000.0 + 10 * 128, 5_800_000.0)
        ]
        assert query(tmp_path / f"{other}.gpkg", "PRAGMA integrity_check") == [("ok",)]


def test_killed_while_the_file_is_made(tmp_path):
    child = _child(
        tmp_path,
        """
        import os
        module.os.replace = lambda *names: os.kill(os.getpid(), 9)
        begin(path)
        """,
    )
    assert child.wait(60) == -signal.SIGKILL
    with begin(tmp_path / "out.gpkg", resume=True) as writer:
        writer.add(tile(0, 0))
    assert len(rows(tmp_path / "out.gpkg")) == 1 and not list(tmp_path.glob("*partial*"))


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("no/such/out.gpkg", "the folder .*such does not exist"),
        ("out.shp", r"ends in \.gpkg"),
        (".", "is a folder"),
    ],
)
def test_names_that_cannot_be_written(tmp_path, name, match):
    with pytest.raises(OutputError, match=match):
        begin(tmp_path / name)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB; root only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_read_only_folder(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OutputError, match="cannot be written: no permission"):
        begin(small_disk / "out.gpkg")


def test_too_little_room_is_said_before_the_run(small_disk):
    with pytest.raises(OutputError, match="1 MB free on the disk"):
        begin(small_disk / "out.gpkg")


def test_disk_that_fills_up_keeps_what_was_committed(small_disk, monkeypatch):
    monkeypatch.setattr(module, "MIN_FREE_BYTES", 0)
    monkeypatch.setattr(module, "BATCH_TILES", 256)
    monkeypatch.setattr(module, "BATCH_S", 1e9)
    path = small_disk / "out.gpkg"
    with pytest.raises(OutputError, match="is full.*--resume"), begin(path) as writer:
        for i in range(20_000):
            writer.add(tile(i // 100, i % 100, text="a house was built " * 20))
    kept = query(path, "SELECT count(*) FROM change_captions")[0][0]
    assert kept > 0 and kept % module.BATCH_TILES == 0
    assert len(rows(path)) == kept == _count_told_by_gdal(path)
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    subprocess.run(["mount", "-o", "remount,size=30m", str(small_disk)], check=True)
    with begin(path, resume=True) as writer:
        assert len(writer.done) == kept
        writer.add(tile(300, 0))
    assert query(path, "SELECT count(*) FROM change_captions") == [(kept + 1,)]
    assert _count_told_by_gdal(path) == kept + 1


def test_a_wrong_count_beside_the_layer_is_mended(tmp_path):
    path = tmp_path / "out.gpkg"
    with begin(path) as writer:
        writer.add(tile(0, 0))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE gpkg_ogr_contents SET feature_count = 257")
    assert _count_told_by_gdal(path) == 257
    with begin(path, resume=True) as writer:
        writer.add(tile(0, 1))
    assert _count_told_by_gdal(path) == 2


def _count_told_by_gdal(path):
    with fiona.open(path, layer=LAYER_NAME) as layer:
        return len(layer)


def test_output_locked_by_another_program(tmp_path):
    path = tmp_path / "out.gpkg"
    writer = begin(path)
    writer.add(tile(0, 0))
    # In a process of its own: SQLite's locks are the process's, and Python and GDAL bring a SQLite each.
    other = _child(
        tmp_path,
        """
        database = sqlite3.connect(path, isolation_level=None)
        database.execute("BEGIN EXCLUSIVE")
        print("locked", flush=True)
        sys.stdin.read()
        """,
    )
    assert other.stdout.readline() == "locked\n"
    with pytest.raises(OutputError, match="is locked by another program.*close the file there"):
        writer.commit()
    other.communicate()
    writer.close()  # the tile was kept and goes in once the other program is done
    assert len(rows(path)) == 1


def test_output_deleted_while_running(tmp_path):
    path = tmp_path / "out.gpkg"
    with pytest.raises(OutputError, match="out.gpkg cannot be written"), begin(path) as writer:
        writer.add(tile(0, 0))
        os.remove(path)


def test_a_folder_that_vanishes_is_no_full_disk(tmp_path):
    path = tmp_path / "results" / "out.gpkg"
    path.parent.mkdir()
    with pytest.raises(OutputError, match="out.gpkg cannot be written: the folder .*results has gone.*--resume"), begin(path) as writer:
        writer.add(tile(0, 0))
        path.parent.rename(tmp_path / "away")
