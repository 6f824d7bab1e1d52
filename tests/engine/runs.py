"""What the fixture rasters hold, the program as a process, and what is in an output."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import fakes

ROOT = Path(__file__).resolve().parents[2]
FAKES = Path(fakes.__file__)
CHANGED_TILES = {(0, 0), (1, 2), (3, 3)}
NODATA_TILE = (2, 1)
TILE_PX = 64


def table(path):
    """Rows of an output by tile, without what differs between equal runs."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute("SELECT * FROM change_captions")]
    tiles = {row["tile_id"]: {key: value for key, value in row.items() if key not in ("fid", "seconds")} for row in rows}
    assert len(tiles) == len(rows), "a tile is there twice"
    return tiles


def count(path):
    """Committed rows of an output, 0 before there is one."""
    if not Path(path).exists():
        return 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            return database.execute("SELECT count(*) FROM change_captions").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def start(folder, *arguments, delay_s=0.0, **pipes):
    """The command line with the fake's registry as a process."""
    environment = {**os.environ, "FAKE_DELAY_S": str(delay_s), "CHANGESCRIBE_MODELS": str(folder / "models")}
    command = [sys.executable, str(FAKES), str(folder / "registry"), *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)
