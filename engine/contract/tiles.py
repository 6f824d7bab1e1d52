"""A tile, its caption, and the row of the output layer that they become.

Light module: standard library only, Python 3.9 (QGIS imports it).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CLASSES = ("building", "road", "parking", "vegetation", "water", "bareland", "other")
STATUSES = ("captioned", "unchanged", "skipped_nodata", "failed")
UNCHANGED_TEXT = "the scene is the same as before"
LAYER_NAME = "change_captions"
REVIEWS = ("right", "wrong")


@dataclass(frozen=True, order=True)
class TileRef:
    """Where a tile lies: its place in the grid and its pixel window, clipped to the raster.

    row, col : index in the TileGrid, from the upper left.
    row_off, col_off, height, width : window in pixels of the grid; at the right and lower edge
        height and width may be smaller than the tile.
    """

    row: int
    col: int
    row_off: int
    col_off: int
    height: int
    width: int

    @property
    def tile_id(self) -> str:
        return f"r{self.row:05d}_c{self.col:05d}"


@dataclass(frozen=True)
class Caption:
    """A captioner's answer for one pair of tiles.

    change_score, score : 0..1; probability of change, and mean token probability of the caption.
    added, removed, altered : class names of CLASSES.
    heatmap : float array (h, w) in 0..1, where in the tile the change lies, or None.
    answer : to the run's question; None where none was asked.
    mask : uint8 array (K, 256, 256) of a changed tile, percentages of the kinds of change that the card's ``objects`` lists; None where no
        objects were asked for, or the model draws none.
    """

    text: str
    changed: bool
    change_score: float
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    score: float = 0.0
    heatmap: Any = field(default=None, compare=False, repr=False)
    answer: str | None = None
    mask: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class TileCaption:
    """One row of the output layer.

    caption is None where status is skipped_nodata or failed; footprint is the polygon's ring in the grid's
    CRS as ((x, y), …), closed; valid is a bool array (ref.height, ref.width), pixels with data in both dates, None where all have.
    """

    ref: TileRef
    caption: Caption | None
    valid_before: float
    valid_after: float
    model: str
    status: str
    seconds: float
    footprint: tuple[tuple[float, float], ...] = ()
    valid: Any = field(default=None, compare=False, repr=False)

    def properties(self) -> dict:
        """Values of the tile's columns by name, as the layer and the protocol's ``tile`` message hold them; with an answer also that."""
        cap = self.caption
        answer = {} if cap is None or cap.answer is None else {"answer": cap.answer}
        return {
            "tile_id": self.ref.tile_id,
            "row": self.ref.row,
            "col": self.ref.col,
            "caption": cap.text if cap else None,
            "changed": cap.changed if cap else None,
            "change_score": round(cap.change_score, 4) if cap else None,
            "added": "; ".join(cap.added) if cap else None,
            "removed": "; ".join(cap.removed) if cap else None,
            "altered": "; ".join(cap.altered) if cap else None,
            "score": round(cap.score, 4) if cap else None,
            "valid_before": round(self.valid_before, 4),
            "valid_after": round(self.valid_after, 4),
            "model": self.model,
            "status": self.status,
            "seconds": round(self.seconds, 4),
            **answer,
        }

    def to_json(self) -> dict:
        """The ``tile`` message's body: properties and the footprint's ring."""
        return {"properties": self.properties(), "footprint": [list(point) for point in self.footprint]}
