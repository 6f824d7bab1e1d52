"""The sample as a layer ``accuracy_sample`` of its own: one row a drawn tile, with what persons judge it to be.

A sample is drawn once, from a layer as it is then; the layer's strata, their ground and the seed are in its metadata. Reviews of the layer itself
never count as judgements: who reviews chooses what to look at, and such a choice is no random sample.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fiona
import shapely
from fiona.errors import FionaError

from ..contract.errors import InputError, OutputError
from ..output.writer import WRITE_ERRORS, verify_path, write_failure
from ..report.ground import Ground
from ..report.layer import Layer, read_layer
from . import design
from .design import Candidate, SampleOptions

SAMPLE_LAYER, TAG = "accuracy_sample", "changescribe_sample"
VERDICTS = ("right", "wrong", "unsure")
# Columns of a sample. The second interpreter's have the suffix _2. judged and shown are times (UTC): of the judgement, and of when its judge first
# saw what the model had said of the tile.
COLUMNS = {
    "sample_id": "int32",
    "tile_id": "str",
    "stratum": "str",
    "mapped": "str",
    "inclusion": "float",
    "area_m2": "float",
    "verdict": "str",
    "reference": "str",
    "judge": "str",
    "judged": "str",
    "shown": "str",
    "verdict_2": "str",
    "reference_2": "str",
    "judge_2": "str",
    "judged_2": "str",
    "shown_2": "str",
}
METADATA = {"layer", "options", "strata", "mapped_m2", "classes", "fingerprint"}
NEED = f"a sample that `changescribe sample` has written, with a layer {SAMPLE_LAYER}"


@dataclass(frozen=True)
class Judgement:
    """A row of a sample; ``reference`` is None where nobody has judged, or is unsure.

    judges : names of the two interpreters. seen : whether one of them judged after seeing what the model had said
    """

    tile_id: str
    stratum: str
    mapped: str
    area_m2: float
    reference: str | None
    reference_2: str | None
    verdict: str | None
    ring: tuple[tuple[float, float], ...]
    judges: tuple[str | None, str | None] = (None, None)
    seen: bool = False


@dataclass(frozen=True)
class Sample:
    """A sample with its metadata.

    metadata : ``layer`` (path), ``rasters`` (paths by date, as far as the layer names them), ``options``, ``strata`` by name (units, area_m2,
    sampled), ``mapped_m2`` by class, ``classes``, ``fingerprint`` of the layer
    """

    path: str
    rows: tuple[Judgement, ...]
    metadata: dict[str, Any]

    @property
    def weights(self) -> dict[str, float]:
        """Ground of each stratum in the map, m²."""
        return {name: stratum["area_m2"] for name, stratum in self.metadata["strata"].items()}


def write(source: str, target: str, options: SampleOptions) -> dict[str, Any]:
    """Draw a sample from a layer of captions and write it.

    Parameters
    ----------
    source : layer, ``path`` or ``path|layername=NAME``
    target : GeoPackage to write

    Returns
    -------
    dict
        ``output``, ``sampled``, ``strata`` by name (units, area_m2, sampled), ``warnings``.

    Raises
    ------
    InputError
        Options that are wrong, or no layer of ours with compared tiles. OutputError: the target exists or cannot be written.
    """
    options.verify()
    path = Path(target).absolute()
    verify_path(path, (".gpkg",))
    if path.exists():
        raise OutputError(f"{path} exists", "a file that does not: judgements in it would be lost", "choose another name")
    layer = read_layer(source)
    areas_m2 = tile_areas_m2(layer)
    units = design.candidates(layer, areas_m2, options.by)
    if not units:
        raise InputError(f"no tile of {source} was compared", "captioned or unchanged tiles", "run `changescribe caption` to its end")
    shares, counts = design.weights(units), Counter(unit.stratum for unit in units)
    expected = {name: options.expected_unchanged if name == design.UNCHANGED else options.expected_changed for name in shares}
    size = options.size or design.sample_size(shares, expected, options.standard_error)
    wanted = design.allocation(size, shares, counts, options.minimum)
    chosen = design.draw(units, wanted, options.seed)
    strata = {name: {"units": counts[name], "area_m2": shares[name], "sampled": wanted[name]} for name in shares}
    metadata = {
        "layer": f"{os.path.abspath(layer.path) if os.path.exists(layer.path) else layer.path}|layername={layer.name}",
        "rasters": _rasters(layer),
        "options": asdict(options),
        "strata": strata,
        "mapped_m2": {name: sum(unit.area_m2 for unit in units if unit.mapped == name) for name in {unit.mapped for unit in units}},
        "fingerprint": fingerprint(layer),
        "classes": design.class_names(options.by),
    }
    _write_rows(path, layer, chosen, strata, metadata)
    return {"output": str(path), "sampled": len(chosen), "strata": strata, "warnings": _warnings(layer, strata)}


def _rasters(layer: Layer) -> dict[str, str]:
    """Paths of the rasters that the layer was made from, by date, to be shown to who judges."""
    request = layer.provenance.get("request")
    found = {date: request.get(date) for date in ("before", "after")} if isinstance(request, dict) else {}
    return {date: os.path.abspath(path) if os.path.exists(path) else path for date, path in found.items() if isinstance(path, str)}


def tile_areas_m2(layer: Layer) -> list[float]:
    """Ground of each tile on the ellipsoid, m²."""
    ground = Ground(layer.crs_wkt, layer.cells)
    return [ground.area_m2([cell]) for cell in layer.cells]


def fingerprint(layer: Layer) -> str:
    """What tells whether a layer still has the tiles that a sample was drawn from: their ids and outlines, not their captions."""
    digest = hashlib.sha256()
    for cell in layer.cells:
        digest.update(f"{cell.properties['tile_id']} {[(round(x, 6), round(y, 6)) for x, y in cell.ring]}\n".encode())
    return digest.hexdigest()


def _warnings(layer: Layer, strata: dict[str, dict[str, Any]]) -> list[str]:
    left_out = sum(cell.properties["changed"] is None for cell in layer.cells)
    notes = [f"{left_out} tiles without data, failed or disputed are no part of the map and cannot be drawn."] if left_out else []
    few = [name for name, stratum in strata.items() if stratum["units"] < 2]
    return notes + [f"The stratum {name!r} has one tile only: its variance cannot be estimated." for name in few]


def _write_rows(path: Path, layer: Layer, chosen: Sequence[Candidate], strata: dict[str, dict[str, Any]], metadata: dict[str, Any]) -> None:
    schema = {"geometry": "Polygon", "properties": COLUMNS}
    empty: dict[str, Any] = dict.fromkeys(COLUMNS)
    try:
        with fiona.open(path, "w", driver="GPKG", layer=SAMPLE_LAYER, schema=schema, crs_wkt=layer.crs_wkt) as rows:
            for number, unit in enumerate(chosen, 1):
                cell, stratum = layer.cells[unit.index], strata[unit.stratum]
                values = empty | {"sample_id": number, "tile_id": cell.properties["tile_id"], "stratum": unit.stratum, "mapped": unit.mapped}
                values |= {"inclusion": stratum["sampled"] / stratum["units"], "area_m2": unit.area_m2}
                ring = [list(point) for point in cell.ring]
                rows.write({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": values})
            rows.update_tags({TAG: json.dumps(metadata, ensure_ascii=False)})
    except WRITE_ERRORS as error:
        path.unlink(missing_ok=True)
        raise write_failure(path, error) from error


def read(path: str) -> Sample:
    """Read a sample.

    Raises
    ------
    InputError
        No sample, a damaged one, or judgements that name no class.
    """
    try:
        with fiona.open(path, layer=SAMPLE_LAYER) as layer:
            metadata = json.loads(layer.tags().get(TAG, "null"))
            missing = [name for name in COLUMNS if name not in layer.schema["properties"]]
            found = [(dict(feature.properties), feature.geometry) for feature in layer] if not missing else []
    except (FionaError, OSError, ValueError) as error:
        raise InputError(f"{path} is no sample ({error})", NEED, "name such a file") from error
    if not isinstance(metadata, dict) or not set(metadata) >= METADATA or missing:
        raise InputError(f"{path} is no sample ({'no metadata' if not missing else 'no column ' + ', '.join(missing)})", NEED, "name such a file")
    rows = tuple(_judgement(path, values, geometry, metadata) for values, geometry in found)
    lost = sum(stratum["sampled"] for stratum in metadata["strata"].values()) - len(rows)
    if lost:
        do = "restore the file; to leave a tile out, judge it as unsure"
        raise InputError(
            f"{abs(lost)} tiles {'are missing from' if lost > 0 else 'were added to'} the sample {path}", "the tiles that were drawn", do
        )
    return Sample(path, rows, metadata)


def _judgement(path: str, values: dict[str, Any], geometry: Any, metadata: dict[str, Any]) -> Judgement:
    references = [_reference(path, values, suffix, metadata["classes"]) for suffix in ("", "_2")]
    ring = tuple((float(x), float(y)) for x, y, *_ in geometry["coordinates"][0]) if geometry is not None else ()
    judges = (values["judge"], values["judge_2"])
    seen = any(_was_seen(values, suffix) for suffix, reference in zip(("", "_2"), references) if reference is not None)
    return Judgement(
        tile_id=values["tile_id"],
        stratum=values["stratum"],
        mapped=values["mapped"],
        area_m2=float(values["area_m2"]),
        reference=references[0],
        reference_2=references[1],
        verdict=values["verdict"],
        ring=ring,
        judges=judges,
        seen=seen,
    )


def _was_seen(values: dict[str, Any], suffix: str) -> bool:
    """Whether a judgement was made after its judge had seen what the model had said; times of one form compare as texts."""
    shown, judged = values[f"shown{suffix}"], values[f"judged{suffix}"]
    return bool(shown and judged and judged > shown)


def _reference(path: str, values: dict[str, Any], suffix: str, classes: Sequence[str]) -> str | None:
    """The true class that a person gave: where the map is right the class of the map, else what was named; None where unsure or not judged.

    Raises
    ------
    InputError
        A verdict that does not exist (somebody filled the column), or one that does not fit what was named.
    """
    verdict, named, mapped = values[f"verdict{suffix}"], values[f"reference{suffix}"] or None, values["mapped"]
    if verdict in (None, "", "unsure"):
        return None
    others = [name for name in classes if name != mapped]
    if verdict == "wrong" and named is None and len(others) == 1:
        named = others[0]
    if verdict == "right" and named in (None, mapped):
        return str(mapped)
    if verdict == "wrong" and named in others:
        return str(named)
    need = f"right, wrong or unsure; where wrong, a reference among {', '.join(others)}"
    got = f"{path}: the tile {values['tile_id']} is judged as {named!r}, verdict {verdict!r}"
    raise InputError(got, need, f"correct the columns verdict{suffix} and reference{suffix}")


def verify_layer(sample: Sample, layer: Layer) -> None:
    """Check that a layer still has the tiles that a sample was drawn from.

    Raises
    ------
    InputError
        Another layer, tiles that are gone, or edited outlines; the first is named.
    """
    if fingerprint(layer) == sample.metadata["fingerprint"]:
        return
    rings = {cell.properties["tile_id"]: cell.ring for cell in layer.cells}
    do = "name the layer that the sample was drawn from, or draw a new sample"
    gone = [row.tile_id for row in sample.rows if row.tile_id not in rings]
    if gone:
        raise InputError(f"{layer.path} lacks {len(gone)} of the sampled tiles, such as {gone[0]}", "the layer that the sample was drawn from", do)
    moved = [row.tile_id for row in sample.rows if not shapely.equals_exact(shapely.Polygon(row.ring), shapely.Polygon(rings[row.tile_id]), 1e-6)]
    if moved:
        raise InputError(f"the outline of tile {moved[0]} in {layer.path} is not the sample's", "tiles as they were when the sample was drawn", do)
    raise InputError(f"{layer.path} has other tiles than when the sample was drawn", "the same tiles", do)
