"""What must hold after a fault: that the output opens, that what was told is in it, and that nothing is lost, doubled or different."""

import sqlite3
from contextlib import closing

import rasterio
from runs import table


class Lost(AssertionError):
    """A tile that was committed is not there any more, or is not there in the end."""


class Doubled(AssertionError):
    """A tile is there twice."""


class Different(AssertionError):
    """The result is not that of an undisturbed run."""


def error_of(events):
    """The error that a run with --json has ended with."""
    errors = [event for event in events if event["type"] == "error"]
    assert len(errors) == 1, f"{len(errors)} errors in {events[-5:]}"
    return errors[0]


def promised(events, commit_tiles):
    """Ids of the tiles that must be in the files, of what a run has told before it was struck.

    A tile is told once the writer has it, who keeps back fewer than ``commit_tiles``. A run that ends by itself, by a cancellation or because
    of a raster writes those too. Failed tiles are done again.
    """
    tiles = [event["tile"]["properties"] for event in events if event["type"] == "tile"]
    all_written = any(event["type"] == "result" or (event["type"] == "error" and event["code"] in ("cancelled", "raster")) for event in events)
    sure = tiles if all_written else tiles[: max(0, len(tiles) - (commit_tiles - 1))]
    return {tile["tile_id"] for tile in sure if tile["status"] != "failed"}


def kept(files, reference, promised=frozenset()):
    """Tiles of an output that may be cut short at any place: it opens, holds what was promised, and what is in it is right or said to have failed."""
    tiles = {}
    for file in files:
        with closing(sqlite3.connect(file, timeout=10)) as database:  # rolls back what a dead process left half done, as any program would
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            numbers = database.execute("SELECT count(*), count(DISTINCT tile_id) FROM change_captions").fetchone()
        rows = {name: row for name, row in table(file).items() if row["status"] != "failed"}
        if numbers[0] != numbers[1] or tiles.keys() & rows.keys():
            raise Doubled(f"{numbers[0]} rows of {numbers[1]} tiles in {file}")
        tiles |= rows
    for name, row in tiles.items():
        if row != reference[name]:
            raise Different(f"{name} is {row}, undisturbed {reference[name]}")
    if lost := sorted(promised - tiles.keys()):
        raise Lost(f"{len(lost)} of {len(promised)} tiles that must have been committed are not in {files}, first {lost[:3]}")
    return tiles


def complete(case, before, events):
    """After resuming: all tiles once, equal to the undisturbed run, those that were there not captioned again; no half-made files beside them."""
    reference, files = case.stage.reference, case.files()
    tiles = kept(files, reference)
    missing = sorted(reference.keys() - tiles.keys())
    if missing:
        raise Lost(f"{len(missing)} of {len(reference)} tiles are missing, first {missing[:3]}")
    resumed = next(event["result"]["resumed"] for event in events if event["type"] == "result")
    if resumed != len(before):
        raise Lost(f"{len(before)} tiles were there and {resumed} were taken over")
    counted = 0
    for file in files:
        with closing(sqlite3.connect(file)) as database:
            queries = ("SELECT feature_count FROM gpkg_ogr_contents", "SELECT count(*) FROM rtree_change_captions_geom")
            first, second = (database.execute(query).fetchone()[0] for query in queries)
        assert first == second, file
        counted += first
    assert counted == len(reference), counted
    if case.variant == "heatmap" and case.pixels() != case.stage.heat:
        raise Different("the heat map's pixels differ from those of an undisturbed run")
    expected = {path.name for path in files} | ({case.heatmap.name} if case.variant == "heatmap" else set())
    beside = {path.name for path in case.results.iterdir() if path.suffix != ".lock"} - expected
    assert not beside, f"left over: {beside}"


def heat(path):
    """Pixels of a heat map, as bytes."""
    with rasterio.open(path) as raster:
        return raster.read(1).tobytes()
