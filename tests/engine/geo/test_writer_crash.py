"""A process killed in the middle of a commit leaves SQLite's rollback journal beside the file; resuming must cope with it."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing

import fiona
import pytest
import rasterio

from engine.contract.errors import OutputError
from engine.contract.tiles import LAYER_NAME, Caption, TileCaption, TileRef
from engine.output.writer import GridWriter, read_provenance

WKT = rasterio.CRS.from_epsg(32633).to_wkt()
RUN = {"request": {"before": "/a.tif", "seed": 0}}


def tile(row, col):
    ring = tuple((400_000.0 + 128 * (col + x), 5_800_000.0 - 128 * (row + y)) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0)))
    return TileCaption(
        TileRef(row, col, 256 * row, 256 * col, 256, 256), Caption("a road was built", True, 0.9), 1.0, 1.0, "scribe-s", "captioned", 0.1, ring
    )


@pytest.fixture
def half_committed(tmp_path):
    """An output of 300 tiles in which a killed process has already overwritten pages, so that only the journal has the truth."""
    path = tmp_path / "out.gpkg"
    with GridWriter.open(path, WKT, RUN) as writer:
        for col in range(300):
            writer.add(tile(0, col))
    # A cache of four pages makes SQLite write to the file before the commit, as a large batch or a slow disk would.
    code = f"""
        import os, signal, sqlite3
        database = sqlite3.connect({str(path)!r}, isolation_level=None)
        database.execute("PRAGMA cache_size = 4")
        database.execute("BEGIN IMMEDIATE")
        database.execute("DELETE FROM {LAYER_NAME}")
        database.execute("CREATE TABLE filler AS SELECT hex(randomblob(200000)) AS x")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(code)], timeout=60, check=False).returncode == -signal.SIGKILL
    assert (tmp_path / "out.gpkg-journal").stat().st_size > 0
    return path


def test_resume_after_a_kill_within_a_commit(half_committed):
    with GridWriter.open(half_committed, WKT, RUN, resume=True) as writer:
        assert writer.done == {(0, col) for col in range(300)}
        writer.add(tile(1, 0))
        writer.close({"done": 301})
    with fiona.open(half_committed, layer=LAYER_NAME) as layer:
        assert len(layer) == 301
        assert len(list(layer.filter(bbox=(400_000.0 + 1, 5_800_000.0 - 250, 400_000.0 + 2, 5_800_000.0 - 1)))) == 2  # by the spatial index
    assert read_provenance(half_committed)["counts"] == {"done": 301}
    with closing(sqlite3.connect(half_committed)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT name FROM sqlite_master WHERE name = 'filler'").fetchall() == []


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path):
    path = tmp_path / "notes.gpkg"
    path.write_bytes(b"not a database, but " * 100)
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"notes\.gpkg is not an output of ChangeScribe"):
        GridWriter.open(path, WKT, RUN, resume=True)
    assert path.read_bytes() == before
