"""Reading a layer of change captions, whoever wrote it: the engine, QGIS, or a person who edited it there."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from typing import Any

import fiona
from fiona.errors import FionaError

from ..contract.errors import InputError
from ..contract.fields import FIELDS, missing_core, names_of
from ..contract.tiles import LAYER_NAME
from ..geo import access, vector
from ..output.writer import TAG
from ..words.review import is_disputed, settled
from .figure import Cell

NEED = "a layer that ChangeScribe wrote, with the columns " + ", ".join(field.name for field in FIELDS if field.core)
# QGIS keeps a layer's provenance as lines "key: JSON" of the history in its own XML, which GDAL hands over as a metadata item.
HISTORY = re.compile(r"<history>(.*?)</history>", re.S)


@dataclass(frozen=True)
class Layer:
    """A layer of change captions.

    Attributes
    ----------
    cells : ordered by row and column; their properties are ``review.settled``
    disputed : number of tiles that somebody marked as wrong and nobody corrected
    crs_wkt : CRS of the rings
    provenance : what the run has left; empty where there is nothing. Read from the file, hence not to be trusted.
    """

    path: str
    name: str
    crs_wkt: str
    cells: tuple[Cell, ...]
    disputed: int = 0
    provenance: dict[str, Any] = field(default_factory=dict)


def read_layer(source: str) -> Layer:
    """Read a layer from any vector file that GDAL opens.

    Parameters
    ----------
    source : path, or ``path|layername=NAME``

    Raises
    ------
    InputError
        The file cannot be read, holds no layer of ours, several, or one that has no tiles or no CRS.
    """
    path, options = vector.split_layer(source)
    wanted = options.get("layername")
    access.limit()
    try:
        name = wanted or _find(path)
        with fiona.open(path, layer=name) as collection:
            missing = missing_core(collection.schema["properties"])
            if missing:
                got = f"the layer {name} of {path} has no column {', '.join(missing)}"
                raise InputError(got, NEED, "name such a layer, as FILE or FILE|layername=NAME; a Shapefile cuts names, so keep a GeoPackage")
            rows: list[dict[str, Any]] = [
                dict.fromkeys(names_of()) | dict(feature.properties) | {"ring": _ring(feature.geometry)} for feature in collection
            ]
            crs_wkt, provenance = collection.crs_wkt, _provenance(collection.tags())
    except (FionaError, OSError, UnicodeDecodeError) as error:
        if vector.is_locked(path):
            raise InputError(f"{path} is locked by another program", *vector.LOCKED) from error
        raise InputError(f"{path} cannot be read ({vector.reason(path, error)})", NEED, "check the path") from error
    rows = [row for row in rows if row["ring"]]
    if not rows:
        raise InputError(f"the layer {name} of {path} has no tiles", "at least one tile", "run `changescribe caption` to its end, or resume it")
    if not crs_wkt:
        raise InputError(f"the layer {name} of {path} has no CRS", "a CRS, because areas are measured on the ground", "assign the right one")
    cells = [Cell(row.pop("ring"), settled(row)) for row in rows]
    cells.sort(key=lambda cell: (cell.properties["row"] or 0, cell.properties["col"] or 0))
    return Layer(path, name, crs_wkt, tuple(cells), sum(is_disputed(row) for row in rows), provenance)


def _find(path: str) -> str:
    """Name of the file's layer of ours: the one named so, else the only one that has our columns."""
    names = fiona.listlayers(path)
    if LAYER_NAME in names:
        return LAYER_NAME
    ours = []
    for name in names:
        with fiona.open(path, layer=name) as collection:
            if not missing_core(collection.schema["properties"]):
                ours.append(name)
    if len(ours) != 1:
        got = f"{path} holds {len(ours) or 'no'} layers of change captions" + (f" ({', '.join(ours)})" if ours else f" (only {', '.join(names)})")
        raise InputError(got, NEED, "name one as FILE|layername=NAME" if ours else "choose the GeoPackage that a run has written")
    return ours[0]


def _ring(geometry: Any) -> tuple[tuple[float, float], ...]:
    """Outer ring of a footprint, of its first part where it has several; empty without a geometry."""
    if geometry is None or geometry["type"] not in ("Polygon", "MultiPolygon"):
        return ()
    rings = geometry["coordinates"] if geometry["type"] == "Polygon" else geometry["coordinates"][0]
    return tuple((float(point[0]), float(point[1])) for point in rings[0]) if rings else ()


def _provenance(tags: dict[str, str]) -> dict[str, Any]:
    """The engine's JSON, else the history in QGIS's metadata; what is neither is left out."""
    found: dict[str, Any] = {}
    lines = [(TAG, tags[TAG])] if TAG in tags else []
    for text in tags.values():
        lines += [html.unescape(line).partition(": ")[::2] for line in HISTORY.findall(text)]
    for key, text in lines:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            continue
        found |= value if key == TAG and isinstance(value, dict) else {key: value}
    return found
