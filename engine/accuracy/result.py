"""Accuracy and areas from a judged sample, as JSON, CSV and text."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from ..contract.errors import InputError, OutputError
from ..output.writer import verify_path
from ..report.layer import Layer
from ..report.story import area_text
from . import sample as samples
from .estimators import Accuracy, Estimate, Unit, cohens_kappa, estimate
from .sample import Sample

FORMATS = (".json", ".csv")
UNCHANGED = "unchanged"


def assess(path: str, layer: str | Layer | None = None) -> dict[str, Any]:
    """Estimate accuracy and areas.

    Parameters
    ----------
    path : a sample with judgements
    layer : the layer it was drawn from (its path, or what was read), to check that it has not changed; None takes the sample's word

    Returns
    -------
    dict
        ``judged``, ``unsure``, ``left`` (tiles), ``overall``, ``classes`` by name (users, producers, area_m2, mapped_m2), ``change`` (area_m2,
        mapped_m2 of all change), ``matrix`` (counts and area proportions by class mapped and class of reference), ``kappa``, ``notes``,
        ``summary``. An estimate is {value, standard_error, half_width, low, high}; None where the sample tells nothing. Mapped areas are the
        map's own, areas are error-adjusted.

    Raises
    ------
    InputError
        No sample, a sample of another layer, or nothing judged yet.
    """
    sample = samples.read(path)
    if layer is not None:
        samples.verify_layer(sample, layer if isinstance(layer, Layer) else samples.read_layer(layer))
    units = [Unit(row.stratum, row.mapped, row.reference, row.area_m2) for row in sample.rows if row.reference is not None]
    if not units:
        raise InputError(f"no tile of {path} is judged", "judged tiles", "judge them in the panel's Accuracy page, or fill the column verdict")
    mapped_m2 = sample.metadata["mapped_m2"]
    used = {UNCHANGED, *(unit.reference for unit in units), *mapped_m2}
    found = estimate(units, sample.weights, [name for name in sample.metadata["classes"] if name in used])
    total_m2 = sum(sample.weights.values())
    return {
        "sample": path,
        "layer": sample.metadata["layer"],
        "judged": len(units),
        "unsure": sum(row.verdict == "unsure" for row in sample.rows),
        "left": sum(row.verdict is None for row in sample.rows),
        "area_m2": total_m2,
        "overall": _json(found.overall),
        "classes": {name: _class(found, name, total_m2, mapped_m2.get(name, 0.0)) for name in found.classes},
        "change": {
            "area_m2": _json(found.areas[UNCHANGED].complement().times(total_m2)),
            "mapped_m2": total_m2 - mapped_m2.get(UNCHANGED, 0.0),
        },
        "matrix": [
            {"mapped": row, "reference": column, "tiles": found.counts[row, column], "share": found.proportions[row, column]}
            for row in found.classes
            for column in found.classes
        ],
        **_agreement(sample),
        "notes": [*found.notes, *_unjudged(sample), *_judges(sample)],
        "summary": summary(found, total_m2, mapped_m2),
    }


def _class(found: Accuracy, name: str, total_m2: float, mapped_m2: float) -> dict[str, Any]:
    return {
        "users": _json(found.users[name]),
        "producers": _json(found.producers[name]),
        "area_m2": _json(found.areas[name].times(total_m2)),
        "mapped_m2": mapped_m2,
    }


def _json(value: Estimate | None) -> dict[str, float] | None:
    if value is None:
        return None
    return {name: getattr(value, name) for name in ("value", "standard_error", "half_width", "low", "high")}


def _agreement(sample: Sample) -> dict[str, Any]:
    """Cohen's kappa of the two interpreters, over the tiles that both judged."""
    both = [(row.reference, row.reference_2) for row in sample.rows if row.reference is not None and row.reference_2 is not None]
    return {"kappa": cohens_kappa([a for a, _ in both], [b for _, b in both]) if both else None, "judged_twice": len(both)}


def _unjudged(sample: Sample) -> list[str]:
    left = sum(row.reference is None for row in sample.rows)
    if not left:
        return []
    return [f"{left} of {len(sample.rows)} drawn tiles are not judged or unsure: the figures take them to be like the judged ones of their stratum."]


def _judges(sample: Sample) -> list[str]:
    """What speaks against the judgements themselves."""
    found = []
    seen = sum(row.seen for row in sample.rows)
    if seen:
        found.append(f"{seen} tiles were judged after the model's answer had been shown: those judgements are not blind.")
    same = sum(row.reference is not None and row.reference_2 is not None and None is not row.judges[0] == row.judges[1] for row in sample.rows)
    if same:
        found.append(f"{same} tiles were judged twice by the same person: kappa does not tell how well two persons agree.")
    return found


def summary(found: Accuracy, total_m2: float, mapped_m2: dict[str, float]) -> str:
    """The result in one paragraph, for the head of a report: of all change, and of each class that there is besides."""
    names = [name for name in found.classes if name != UNCHANGED]
    areas = {name: (found.areas[name], mapped_m2.get(name, 0.0)) for name in names}
    if len(names) != 1:
        areas = {"change": (found.areas[UNCHANGED].complement(), total_m2 - mapped_m2.get(UNCHANGED, 0.0)), **areas}
    parts = []
    for name, (share, mapped) in areas.items():
        area = share.times(total_m2)
        interval = f"95 % interval {area_text(area.low)} to {area_text(area.high)}"
        what = "change" if name in ("change", "changed") else repr(name)
        parts.append(f"the error-adjusted area of {what} is {area_text(area.value)} ({interval}); the map shows {area_text(mapped)}")
    right = found.overall
    return (
        f"{100 * right.value:.1f} % of the ground is mapped right (95 % interval {100 * right.low:.1f} to {100 * right.high:.1f} %); "
        + "; ".join(parts)
        + "."
    )


def verify_target(path: str | None) -> None:
    """Raises OutputError where ``write`` could not write there."""
    if path is not None:
        verify_path(Path(path).absolute(), FORMATS)


def write(result: dict[str, Any], path: str) -> None:
    """Write the result as JSON or CSV, as the file's name ends.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    text = as_csv(result) if path.lower().endswith(".csv") else json.dumps(result, ensure_ascii=False, indent=1) + "\n"
    try:
        Path(path).write_text(text, "utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror})", "a writable file", "choose another name") from error


def as_csv(result: dict[str, Any]) -> str:
    """One line a class: accuracies and areas with their intervals."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    columns = ("value", "half_width", "low", "high")
    measures = ("users", "producers", "area_m2")
    writer.writerow(["class", *(f"{measure}_{column}" for measure in measures for column in columns), "mapped_m2"])
    for name, values in result["classes"].items():
        cells = [values[measure][column] if values[measure] else "" for measure in measures for column in columns]
        writer.writerow([name, *cells, values["mapped_m2"]])
    writer.writerow(["overall", *(result["overall"][column] for column in columns)])
    return stream.getvalue()
