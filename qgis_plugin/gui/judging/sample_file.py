"""A sample's file: read in its random order, each judgement written at once, so that a QGIS that ends midway loses none."""

from __future__ import annotations

import html
import json
import os
import re
import sqlite3
from contextlib import closing
from datetime import datetime, timezone
from typing import Any

from qgis.core import QgsCoordinateReferenceSystem, QgsFeature, QgsVectorDataProvider, QgsVectorLayer
from qgis.PyQt.QtCore import NULL

from ....engine.contract.errors import InputError, OutputError
from ...i18n import tr
from .keys import UNSURE

SAMPLE_LAYER, TAG = "accuracy_sample", "changescribe_sample"
# Of one interpreter; the second's have the suffix _2.
JUDGEMENT = ("verdict", "reference", "judge", "judged", "shown")
SUFFIXES = ("", "_2")
COLUMNS = ("sample_id", "tile_id", "mapped", *(f"{name}{suffix}" for suffix in SUFFIXES for name in JUDGEMENT))
METADATA = (
    "SELECT metadata FROM gpkg_metadata JOIN gpkg_metadata_reference ON gpkg_metadata.id = md_file_id WHERE lower(table_name) = 'accuracy_sample'"
)


class SampleFile:
    """A sample of ``changescribe sample`` or of Processing.

    Attributes
    ----------
    rows : list of dict
        Values by column, and ``footprint``; in the order in which they are judged.
    classes : what a tile can be
    layer, rasters : where the captions and the rasters by date were when the sample was drawn

    Raises
    ------
    InputError
        No sample, or one that has lost tiles. OutputError: it cannot be written.
    """

    def __init__(self, path: str):
        self.path = path
        metadata = _metadata(path)
        self._layer = QgsVectorLayer(f"{path}|layername={SAMPLE_LAYER}", SAMPLE_LAYER, "ogr")
        names = self._layer.fields().names() if self._layer.isValid() else []
        if metadata is None or not set(COLUMNS) <= set(names):
            raise InputError(tr("{} is no sample", path), tr("a file that 'Draw a sample to judge' has written"), tr("choose one, or draw one"))
        if not self._layer.dataProvider().capabilities() & QgsVectorDataProvider.Capability.ChangeAttributeValues:
            raise OutputError(tr("the sample {} cannot be written", path), tr("a file that you may change"), tr("copy it to a folder of yours"))
        self._fields = {name: names.index(name) for name in COLUMNS}
        read = sorted((_row(feature) for feature in self._layer.getFeatures()), key=lambda row: row["sample_id"])
        lost = sum(stratum["sampled"] for stratum in metadata["strata"].values()) - len(read)
        if lost:
            got = tr("{} tiles are missing from the sample {}", lost, path) if lost > 0 else tr("{} tiles were added to the sample {}", -lost, path)
            raise InputError(got, tr("the tiles that were drawn"), tr("restore the file; judge a tile as unsure to leave it out"))
        self.rows: list[dict[str, Any]] = read
        self.classes: list[str] = metadata["classes"]
        self.layer: str = metadata["layer"]
        self.rasters: dict[str, str] = metadata.get("rasters", {})

    @property
    def crs(self) -> QgsCoordinateReferenceSystem:
        return self._layer.crs()

    def judged(self, suffix: str) -> int:
        """Number of tiles that an interpreter has judged."""
        return sum(row[f"verdict{suffix}"] is not None for row in self.rows)

    def next_open(self, suffix: str, start: int = 0) -> int | None:
        """Place of the first tile from ``start`` on, and round, that an interpreter has not judged; None: all are."""
        places = [*range(start, len(self.rows)), *range(start)]
        return next((place for place in places if self.rows[place][f"verdict{suffix}"] is None), None)

    def judgement(self, place: int, suffix: str, reference: str | None, judge: str) -> dict[str, Any]:
        """Values of a judgement, by column: ``reference`` is a class, UNSURE, or None to take it back.

        Right or wrong follows from the map's class, which the judge does not see.
        """
        if reference is None:
            return {f"{name}{suffix}": None for name in ("verdict", "reference", "judge", "judged")}
        verdict = "unsure" if reference == UNSURE else "right" if reference == self.rows[place]["mapped"] else "wrong"
        values = {"verdict": verdict, "reference": reference or None, "judge": judge, "judged": now()}
        return {f"{name}{suffix}": value for name, value in values.items()}

    def write(self, place: int, values: dict[str, Any]) -> dict[str, Any]:
        """Write values of a tile by column, at once; what they were before.

        Raises
        ------
        OutputError
            The file takes none.
        """
        row = self.rows[place]
        changes = {self._fields[name]: NULL if value is None else value for name, value in values.items()}
        if not self._layer.dataProvider().changeAttributeValues({row["fid"]: changes}):
            reason = "; ".join(self._layer.dataProvider().errors()) or tr("locked by another program")
            self._layer.dataProvider().clearErrors()
            got = tr("the judgement could not be written to {} ({})", self.path, reason)
            raise OutputError(got, tr("a file that you may change"), tr("close other programs that use it, then judge this tile again"))
        before = {name: row[name] for name in values}
        row.update(values)
        return before


def now() -> str:
    """The time as a sample has it: UTC, of one form, so that times compare as texts."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def _row(feature: QgsFeature) -> dict[str, Any]:
    shape = feature.geometry()
    ring = [] if shape.isNull() else shape.asMultiPolygon()[0][0] if shape.isMultipart() else shape.asPolygon()[0]
    values = {name: None if feature[name] == NULL else feature[name] for name in COLUMNS}
    return {**values, "fid": feature.id(), "footprint": [[point.x(), point.y()] for point in ring]}


def _metadata(path: str) -> dict[str, Any] | None:
    """What the draw has left in the file, read apart from QGIS, which has no way to a layer's metadata items; None where there is nothing."""
    if not os.path.isfile(path):
        return None
    try:
        with closing(sqlite3.connect(f"file:{_quoted(path)}?mode=ro", uri=True)) as database:
            texts = [text for (text,) in database.execute(METADATA)]
        found = re.search(rf'<MDI key="{TAG}">(.*?)</MDI>', "".join(texts), re.DOTALL)
        value = json.loads(html.unescape(found[1])) if found else None
    except (sqlite3.Error, ValueError):
        return None
    return value if isinstance(value, dict) and {"strata", "classes", "layer"} <= set(value) else None


def _quoted(path: str) -> str:
    """A path in a URI of SQLite's."""
    return path.replace("\\", "/").replace("%", "%25").replace("?", "%3f").replace("#", "%23")
