"""What a person's review makes of a row of the output layer.

Light module: standard library only, Python 3.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contract.tiles import CLASSES, UNCHANGED_TEXT
from .facts import stated_changes

CHANGES = ("added", "removed", "altered")


def is_disputed(row: Mapping[str, Any]) -> bool:
    """Whether somebody marked a tile as wrong without saying what is right: nothing is known of it then."""
    as_found = bool(row.get("changed")) == (row.get("status") == "captioned")
    return row.get("review") == "wrong" and not row.get("edited_caption") and as_found


def settled(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its corrections in place: ``caption``, ``changed`` and the classes are what holds.

    An edited caption stands in place of the model's; a tile that was set to unchanged has the fixed sentence and no classes. Where a changed
    tile has no classes, they are those that its caption states. ``changed`` is None where nothing is known (no data, failed, or
    marked wrong and not corrected).

    Parameters
    ----------
    row : values by field name; the review's fields may be missing, as in layers of older versions.
    """
    values = dict(row)
    edited = str(row.get("edited_caption") or "").strip()
    known = row.get("changed") is not None and row.get("status") not in ("skipped_nodata", "failed")
    values["changed"] = bool(row.get("changed")) if (known or edited) and not is_disputed(row) else None
    if not values["changed"]:
        values["caption"] = UNCHANGED_TEXT if values["changed"] is False else None
        return values | dict.fromkeys(CHANGES)
    values["caption"] = edited or row.get("caption") or ""
    if not any(row.get(change) for change in CHANGES):
        added, removed = stated_changes(values["caption"])
        values |= {change: "; ".join(name for name in CLASSES if name in stated) for change, stated in (("added", added), ("removed", removed))}
    return values
