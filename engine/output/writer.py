"""GridWriter: the ``change_captions`` layer, a GeoPackage written in batches that survive a crash, and continued by a later run."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import fiona
from filelock import FileLock, Timeout
from fiona._err import CPLE_BaseError
from fiona.errors import FionaError

from ..contract.errors import OutputError
from ..contract.fields import missing_core, written_fields
from ..contract.options import SPEED
from ..contract.request import OPTIONS
from ..contract.tiles import LAYER_NAME, TileCaption
from ..geo import vector
from ..geo.tileset import TileSet

FIONA_TYPES = {"text": "str", "int": "int32", "bool": "bool", "real": "float"}
# Opening the file and the disk's commit cost the same for any batch; time bounds what a killed process loses.
BATCH_TILES, BATCH_S = 2048, 2.0
# A GeoPackage row takes about 0.5 kB; less than this free is refused before hours are spent.
MIN_FREE_BYTES = 20_000_000
# A batch and its journal take less: where this is free, a failed write has another reason.
FULL_BYTES = 4_000_000
TAG = "changescribe"
# Written out, with schema.LAYER_NAME's value, because security scans take any query put together at run time for an injection.
ONE_ROW_A_TILE = "CREATE UNIQUE INDEX change_captions_tile ON change_captions (row, col)"
# Resuming must not read millions of rows to find those few.
FAILED_ROWS = "CREATE INDEX change_captions_failed ON change_captions (status) WHERE status = 'failed'"
DELETE_FAILED = "DELETE FROM change_captions WHERE status = 'failed'"
SELECT_DONE = "SELECT row * 4294967296 + col FROM change_captions"  # of the index alone, as TileSet.update_packed takes it
# GDAL keeps the number of rows beside the layer, and a batch that was rolled back stays counted there.
RECOUNT = "UPDATE gpkg_ogr_contents SET feature_count = (SELECT count(*) FROM change_captions) WHERE table_name = 'change_captions'"
# Bytes that "_0001", ".partial" and SQLite's "-journal" add to a name; and the longest path that SQLite opens.
LONGEST_BESIDE, MAX_SQLITE_PATH = 21, 512
# What may differ between a run and the run that continues it.
VOLATILE = ("started", "ended", "versions", "counts", "schema", *(f"request.{name}" for name, row in OPTIONS.items() if row.affects == SPEED))
WRITE_ERRORS = (FionaError, CPLE_BaseError, sqlite3.Error, OSError, RuntimeError, SystemError)

log = logging.getLogger(__name__)


class GridWriter:
    """Writes tiles to a GeoPackage; a context manager.

    Every 2048 tiles or two seconds a batch is committed: a killed process loses that batch at most. One writer a file: a lock file
    beside it is held by the operating system, so that a dead process never blocks the next; the empty file stays there, because
    removing it could give two later runs a lock each.

    Attributes
    ----------
    done : (row, col) of the tiles that an earlier run has finished; failed tiles are taken out of the file and done again
    paths : the one file
    before_commit : called before tiles are written; what belongs to them must be safe by then, because resuming leaves them out
    """

    def __init__(self, path: Path, crs_wkt: str, provenance: Mapping[str, Any], lock: FileLock):
        self.path, self.crs_wkt, self.provenance, self._lock = path, crs_wkt, dict(provenance), lock
        self.paths = [path]
        self.done = TileSet()
        self.before_commit: Callable[[], None] = nothing
        self._pending: list[dict] = []
        self._committed = time.monotonic()

    @classmethod
    def open(cls, path: str | os.PathLike, crs_wkt: str, provenance: Mapping[str, Any], resume: bool = False) -> GridWriter:
        """Create the file, or continue it where ``resume`` and it exists.

        Parameters
        ----------
        crs_wkt : CRS of the footprints, WKT
        provenance : JSON-able; what differs from the first run's (other than device, batch size, times and versions) forbids resuming

        Raises
        ------
        OutputError
            The folder is missing or read-only, the disk full, the file in use by another run, there already, no GeoPackage of
            ours, or of another run.
        """
        path = Path(path)
        verify_path(path, (".gpkg",))
        lock = FileLock(str(path) + ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise OutputError(
                f"{path} is being written by another run", "an output of its own", "wait for that run, or choose another output"
            ) from None
        except OSError as error:
            raise OutputError(f"{path.parent} cannot be written to ({error})", "a folder with write permission", "choose another output") from error
        writer = cls(path, crs_wkt, provenance, lock)
        try:
            if path.exists():
                writer._continue(resume)
            else:
                writer._create()
        except BaseException:
            lock.release()
            raise
        return writer

    def add(self, tile: TileCaption) -> None:
        """Take a tile; commits when a batch is full or two seconds old.

        Raises
        ------
        OutputError
            The batch cannot be written; what was committed before stays.
        """
        geometry = {"type": "Polygon", "coordinates": [[list(point) for point in tile.footprint]]}
        self._pending.append({"type": "Feature", "geometry": geometry, "properties": tile.properties()})
        if len(self._pending) >= BATCH_TILES or time.monotonic() - self._committed >= BATCH_S:
            self.commit()

    def commit(self) -> None:
        """Write what is pending as one transaction."""
        if self._pending:
            self._append(self._pending, {})
            self._pending = []
        self._committed = time.monotonic()

    def close(self, counts: Mapping[str, int] | None = None) -> None:
        """Commit, complete the provenance (end time, counts) and let the file go."""
        try:
            if not self._lock.is_locked:
                return
            pending, self._pending = self._pending, []
            self.provenance["ended"] = _now()
            if counts is not None:
                self.provenance["counts"] = dict(counts)
            self._append(pending, {TAG: json.dumps(self.provenance, ensure_ascii=False)})
        finally:
            self._lock.release()

    def __enter__(self) -> GridWriter:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not self._lock.is_locked:
            return
        try:
            self.close()
        except OutputError:
            if error is None:
                raise
            log.warning("the last tiles were not written, for the reason above")

    def _create(self) -> None:
        """Make the empty layer under another name first: a process killed meanwhile must not leave half a file that cannot be resumed."""
        self.provenance.setdefault("started", _now())
        partial = self.path.with_name(f"{self.path.stem}.partial.gpkg")
        try:
            partial.unlink(missing_ok=True)
            with fiona.open(partial, "w", driver="GPKG", layer=LAYER_NAME, schema=self._schema(), crs_wkt=self.crs_wkt) as layer:
                layer.update_tags({TAG: json.dumps(self.provenance, ensure_ascii=False)})
            with closing(sqlite3.connect(partial)) as database, database:
                database.execute(ONE_ROW_A_TILE)
                database.execute(FAILED_ROWS)
            os.replace(partial, self.path)
        except WRITE_ERRORS as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise write_failure(self.path, error) from error

    def _schema(self) -> dict:
        """The layer's columns; one for answers where the run asks a question."""
        asked = self.provenance.get("request", {}).get("question") is not None
        return {"geometry": "Polygon", "properties": {field.name: FIONA_TYPES[field.kind] for field in written_fields(asked)}}

    def _append(self, features: list[dict], tags: dict[str, str]) -> None:
        if features:
            self.before_commit()
        try:
            with fiona.open(self.path, "a", driver="GPKG", layer=LAYER_NAME) as layer:
                if features:
                    # A layer of another version may lack a column; review's, and those that a user has added, are empty in what a run writes.
                    columns = list(layer.schema["properties"])
                    records = ({name: feature["properties"].get(name) for name in columns} for feature in features)
                    layer.writerecords([{**feature, "properties": properties} for feature, properties in zip(features, records)])
                if tags:
                    layer.update_tags(tags)
        except WRITE_ERRORS as error:
            failure = write_failure(self.path, error)
            if self.path.exists():
                with suppress(sqlite3.Error), closing(sqlite3.connect(self.path, timeout=0)) as database, database:  # else resuming does it
                    database.execute(RECOUNT)
            raise failure from error

    def _continue(self, resume: bool) -> None:
        if not resume:
            raise OutputError(
                f"{self.path} exists", "an output that does not, or --resume to continue it", "choose another name, delete the file, or resume"
            )
        roll_back(self.path)
        earlier = read_provenance(self.path)
        verify_same_run(self.path, earlier, self.provenance)
        self.provenance["started"] = earlier.get("started", _now())
        try:
            with closing(sqlite3.connect(self.path, timeout=5)) as database, database:
                database.execute(DELETE_FAILED)
                database.execute(RECOUNT)
                self.done.update_packed(cell for (cell,) in database.execute(SELECT_DONE))
        except sqlite3.Error as error:
            raise write_failure(self.path, error) from error


def write_failure(path: Path, error: BaseException) -> OutputError:
    """What a user reads where a write has failed: the folder has gone, the disk is full, or another reason."""
    if not path.parent.exists():
        got = f"{path} cannot be written: the folder {path.parent} has gone"
        return OutputError(got, "the folder with what was written into it", "put it back, then run again with --resume")
    if _free_bytes(path) < FULL_BYTES:
        return disk_full(path)
    if "locked" in str(error) or vector.is_locked(path, writing=True):
        return OutputError(f"{path} is locked by another program", *vector.LOCKED)
    return OutputError(
        f"{path} cannot be written ({error})", "a writable file that no other program holds", "close it elsewhere, then run again with --resume"
    )


def disk_full(path: Path) -> OutputError:
    """What a user reads where the disk has no room."""
    got = f"the disk of {path} is full ({_free_bytes(path) / 1e6:.0f} MB free)"
    return OutputError(got, "room for the results", "free some, then run again with --resume")


def _free_bytes(path: Path) -> int:
    return shutil.disk_usage(path.parent).free if path.parent.exists() else 0


def nothing() -> None:
    """Take no notice."""


def roll_back(path: Path) -> None:
    """Undo a commit that a killed process or a power cut left half done; whoever only reads, as `read_provenance` does, cannot."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, timeout=5)) as database:  # what is no database, the reader tells
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()


def read_provenance(path: Path) -> dict:
    """The provenance that a run has left in its output.

    Raises
    ------
    OutputError
        The file is no GeoPackage of ours.
    """
    try:
        with fiona.open(path, layer=LAYER_NAME) as layer:
            text = layer.tags().get(TAG)
            fields = set(layer.schema["properties"])
        if text and not missing_core(fields):
            return json.loads(text)
    except (FionaError, ValueError, OSError) as error:
        if vector.is_locked(path):
            raise OutputError(f"{path} is locked by another program", *vector.LOCKED) from error
        log.debug("no output of ours: %s", error)
    raise OutputError(f"{path} is not an output of ChangeScribe", "a GeoPackage that an earlier run has written", "choose another output")


def verify_same_run(path: Path, earlier: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Compare the provenance in an output with that of the run that would continue it.

    Raises
    ------
    OutputError
        They differ in more than device, batch size, times and versions; the first differences are named.
    """
    old, new = _identity(earlier), _identity(json.loads(json.dumps(now)))
    for name, row in OPTIONS.items():  # an output from before an option existed was made with its default
        if f"request.{name}" in new:
            old.setdefault(f"request.{name}", row.default)
    different = [key for key in old.keys() | new.keys() if old.get(key) != new.get(key)]
    different.sort(key=lambda key: (not key.startswith("request."), key))  # what follows from an option comes after it
    if different:
        details = ", ".join(f"{key}: {old.get(key)!r} then, {new.get(key)!r} now" for key in different[:3])
        raise OutputError(f"{path} belongs to another run ({details})", "the same inputs, model and options", "repeat them, or choose another output")


def _identity(provenance: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Members that make a run what it is, nested ones by dotted name ("request.seed")."""
    flat: dict[str, Any] = {}
    for key, value in provenance.items():
        name = prefix + key
        if name in VOLATILE:
            continue
        if isinstance(value, Mapping):
            flat.update(_identity(value, name + "."))
        else:
            flat[name] = value
    return flat


def verify_path(path: Path, suffixes: tuple[str, ...]) -> None:
    """Check, before anything is written, that a file of one of these kinds can be.

    Raises
    ------
    OutputError
        The folder is missing or read-only, the disk nearly full, or the name another kind's.
    """
    folder = path.parent
    if "\0" in str(path):
        raise OutputError(f"{str(path)!r} as output", "a file name", "correct the name")
    if not os.path.isdir(folder):
        raise OutputError(f"the folder {folder} does not exist", "an existing folder", "make it, or choose another output")
    _verify_length(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder", "a file name", f"name a {suffixes[0]} file in it")
    if path.suffix.lower() not in suffixes:
        raise OutputError(f"{path.name} as output", f"a name that ends in {' or '.join(suffixes)}", "correct the name")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise OutputError(f"{path} cannot be written: no permission", "a folder and file with write permission", "choose another output")
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        raise OutputError(
            f"{free / 1e6:.0f} MB free on the disk of {folder}", f"at least {MIN_FREE_BYTES / 1e6:.0f} MB", "free some space, or choose another disk"
        )


def _verify_length(path: Path) -> None:
    """Check that the names of the file, and of those that are made beside it, are not too long for the disk and for SQLite."""
    most = (os.pathconf(path.parent, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255) - LONGEST_BESIDE
    size = len(os.fsencode(path.name))
    if size > most:
        got = f"name too long: {path.name[:30]}…{path.suffix[-8:]} has {size} bytes"
        raise OutputError(got, f"at most {most} bytes (files made beside it have longer names)", "choose a shorter name")
    size, most = len(os.fsencode(path.absolute())), MAX_SQLITE_PATH - LONGEST_BESIDE
    if path.suffix.lower() == ".gpkg" and size > most:
        raise OutputError(f"path too long: that of {path.name[:30]}… has {size} bytes", f"at most {most} bytes", "choose a folder nearer to the root")


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
