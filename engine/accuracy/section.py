"""A judged sample's part of the report: error matrix, accuracies, error-adjusted areas; every text from a file is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from ..report.story import area_text

INTERVAL = "95 % interval"
SOURCE = (
    "Stratified estimators of Olofsson et al. 2014 (Remote Sensing of Environment 148) and Stehman 2014 (International Journal of Remote Sensing "
    "35). Rows are the map, columns what persons saw; figures are of whole tiles."
)


def section(accuracy: dict[str, Any]) -> str:
    """HTML from ``result.assess``: a heading, what is estimated, the matrix and its limits."""
    right, kappa = accuracy["overall"], accuracy["kappa"]
    agreement = ""
    if accuracy["judged_twice"]:
        figure = "cannot be told" if kappa is None else f"{kappa:.2f}"
        agreement = f" Agreement of two interpreters on {accuracy['judged_twice']} tiles, Cohen's kappa: {figure}."
    notes = "".join(f'<p class="note">{escape(note)}</p>\n' for note in accuracy["notes"])
    return (
        "<h2>Accuracy and error-adjusted areas</h2>\n"
        f"<p>{accuracy['judged']} tiles of a stratified random sample were judged. Overall accuracy: {_share(right)}.{agreement}</p>\n"
        f'{_estimates(accuracy)}<h3>Error matrix</h3>\n{_matrix(accuracy)}{notes}<p class="small">{escape(SOURCE)}</p>\n'
    )


def _estimates(accuracy: dict[str, Any]) -> str:
    rows = [
        (name, _share(values["users"]), _share(values["producers"]), *_area(values["area_m2"]), area_text(values["mapped_m2"]))
        for name, values in accuracy["classes"].items()
    ]
    if len(rows) > 2:
        change = accuracy["change"]
        rows.append(("all change", "", "", *_area(change["area_m2"]), area_text(change["mapped_m2"])))
    head = ("Class", "User's accuracy", "Producer's accuracy", "Error-adjusted area", INTERVAL, "Area on the map")
    return _table(head, rows)


def _matrix(accuracy: dict[str, Any]) -> str:
    names = list(accuracy["classes"])
    cells = {(cell["mapped"], cell["reference"]): cell for cell in accuracy["matrix"]}
    rows = [(row, *(f"{cells[row, column]['tiles']} ({cells[row, column]['share']:.4f})" for column in names)) for row in names]
    return _table(("Tiles (share of the area)", *names), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    first = "".join(f"<th>{escape(text)}</th>" if place == 0 else f'<th class="n">{escape(text)}</th>' for place, text in enumerate(head))
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(f'<td class="n">{escape(text)}</td>' for text in row[1:]) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table>\n"


def _share(estimate: dict[str, float] | None) -> str:
    if estimate is None:
        return "unknown"
    return f"{100 * estimate['value']:.1f} % ({100 * estimate['low']:.1f} to {100 * estimate['high']:.1f} %)"


def _area(estimate: dict[str, float]) -> tuple[str, str]:
    return area_text(estimate["value"]), f"{area_text(estimate['low'])} to {area_text(estimate['high'])}"
