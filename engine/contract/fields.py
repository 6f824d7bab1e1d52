"""Columns of the output layer ``change_captions``, each declared once.

Writers, readers, the attribute form, aliases and the help's table derive from ``FIELDS``. A reader needs the core columns only: layers of other
versions may lack the others, or have more.

Light module: standard library only, Python 3.9 (QGIS imports it).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SCHEMA_VERSION = 1  # in the layer's provenance; counts up with every change of FIELDS
TILE, ANSWER, REVIEW = "tile", "answer", "review"


@dataclass(frozen=True)
class Field:
    """One column.

    Parameters
    ----------
    name, alias : column name and the title that people read
    kind : "text", "int", "bool" or "real"
    part : TILE (every run writes it), ANSWER (only runs that ask a question) or REVIEW (a person fills it in; empty when written)
    core : a reader cannot do without it
    since : schema version that brought it
    """

    name: str
    kind: str
    alias: str
    part: str = TILE
    core: bool = False
    since: int = 1


# In the order of the columns.
FIELDS = (
    Field("tile_id", "text", "Tile", core=True),
    Field("row", "int", "Row", core=True),
    Field("col", "int", "Column", core=True),
    Field("caption", "text", "Change caption", core=True),
    Field("changed", "bool", "Changed", core=True),
    Field("change_score", "real", "Change score (0–1)", core=True),
    Field("added", "text", "Added"),
    Field("removed", "text", "Removed"),
    Field("altered", "text", "Altered"),
    Field("score", "real", "Caption score (0–1)"),
    Field("valid_before", "real", "Valid share, before"),
    Field("valid_after", "real", "Valid share, after"),
    Field("model", "text", "Model"),
    Field("status", "text", "Status", core=True),
    Field("seconds", "real", "Seconds"),
    Field("answer", "text", "Answer", ANSWER),
    Field("edited_caption", "text", "Corrected caption", REVIEW),
    Field("review", "text", "Review", REVIEW),
)


def fields_of(*parts: str) -> tuple[Field, ...]:
    """Columns of some parts, in order; all of them without an argument."""
    return tuple(field for field in FIELDS if not parts or field.part in parts)


def names_of(*parts: str) -> tuple[str, ...]:
    """Names of ``fields_of``."""
    return tuple(field.name for field in fields_of(*parts))


def written_fields(asked: bool) -> tuple[Field, ...]:
    """Columns of a new layer; ``asked``: of a run that asks a question."""
    return fields_of(TILE, ANSWER, REVIEW) if asked else fields_of(TILE, REVIEW)


def missing_core(columns: Iterable[str]) -> list[str]:
    """Core columns that a layer lacks; none where it can be read as one of change captions."""
    present = set(columns)
    return [field.name for field in FIELDS if field.core and field.name not in present]
