"""What must hold after a fault: what was said, that the output opens, and that nothing is lost, doubled or different."""

import json
import os
import sqlite3
from contextlib import closing

from runs import table


class Lost(AssertionError):
    """A tile that was committed is not there any more, or is not there in the end."""


class Doubled(AssertionError):
    """A tile is there twice."""


class Different(AssertionError):
    """The result is not that of an undisturbed run."""


def error_of(stdout):
    """The error event that a run with --json has ended with."""
    events = [json.loads(line) for line in stdout.splitlines() if line.startswith('{"type":"error"')]
    assert len(events) == 1, f"{len(events)} errors in {stdout[-1500:]}"
    return events[0]


def kept(output, reference):
    """Tiles of an output that may be cut short at any place: it opens, and what is in it is right or said to have failed."""
    if not os.path.exists(output):
        return {}
    with closing(sqlite3.connect(output, timeout=10)) as database:  # rolls back what a dead process left half done, as any program would
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        numbers = database.execute("SELECT count(*), count(DISTINCT tile_id) FROM change_captions").fetchone()
    if numbers[0] != numbers[1]:
        raise Doubled(f"{numbers[0]} rows of {numbers[1]} tiles in {output}")
    tiles = {name: row for name, row in table(output).items() if row["status"] != "failed"}
    for name, row in tiles.items():
        if row != reference[name]:
            raise Different(f"{name} is {row}, undisturbed {reference[name]}")
    return tiles


def complete(output, reference, before):
    """After resuming: all tiles once, equal to the undisturbed run, those that were there before among them; no half-made files beside it."""
    tiles = kept(output, reference)
    missing = sorted(reference.keys() - tiles.keys())
    if missing or before.keys() - tiles.keys():
        raise Lost(f"{len(missing)} of {len(reference)} tiles are missing, first {missing[:3]}")
    with closing(sqlite3.connect(output)) as database:
        for query in ("SELECT feature_count FROM gpkg_ogr_contents", "SELECT count(*) FROM rtree_change_captions_geom"):
            assert database.execute(query).fetchone() == (len(reference),), query
    beside = {path.name for path in output.parent.iterdir()} - {output.name, output.name + ".lock"}
    assert not beside, f"left over: {beside}"
