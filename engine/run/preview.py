"""One tile of the area as the model will see it, before anything is captioned: bands, stretch and resolution show at a glance."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from ..contract.request import CaptionRequest
from ..contract.tiles import TileRef
from ..geo.grid import TileGrid
from ..geo.matching import align
from ..geo.pair import RasterPair
from ..geo.stretch import IDENTITY, Stretch
from ..models.captioner import ModelCard
from .pipeline import offset_warning
from .reading import read_tile, to_input_size

LOOKED_AT = 9  # tiles about the area's middle, until one has data


def preview(request: CaptionRequest, card: ModelCard, pair: RasterPair, grid: TileGrid) -> dict:
    """The tile nearest to the area's middle that would not be skipped, both dates stretched as for the model.

    Returns
    -------
    dict
        ``tile_id``, ``footprint`` (ring of (x, y) in the grid's CRS), ``gsd_m`` of the pixels the model gets, and for ``before`` and ``after``:
        ``png`` (base64, input_px × input_px), ``bands``, ``valid`` (share 0..1), ``low`` and ``high`` (values of each band that become 0 and 255;
        null where the pixels stay as they are); ``alignment``, how the AFTER raster was moved or why not (None where that was not asked for), and
        ``offset``, a warning where the dates lie off each other (else None).

    Raises
    ------
    RasterError
        The tile cannot be read.
    """
    for ref in _about_the_middle(grid):
        tile, before, after = read_tile(request, pair, ref)
        if tile.status == "ready":
            break
    if before is None or after is None:  # of a tile that would be skipped, what there is
        before, after, _, _ = pair.read(ref)
    shown = {}
    for name, pixels, valid, stretch in (
        ("before", before, tile.valid_before, pair.stretch_before),
        ("after", after, tile.valid_after, pair.stretch_after),
    ):
        seen = to_input_size(pixels[None], card.input_px)[0]
        shown[name] = {"png": _png(seen), "bands": list(getattr(pair, name).bands), "valid": round(valid, 4), **_limits(stretch)}
    gsd_m = round(pair.gsd_m * request.tile_px / card.input_px, 4)
    notes = {"alignment": pair.alignment and align.describe(pair.alignment)[1], "offset": offset_warning(pair)}
    return {"tile_id": ref.tile_id, "footprint": [list(point) for point in grid.footprint(ref)], "gsd_m": gsd_m, **notes, **shown}


def _about_the_middle(grid: TileGrid) -> list[TileRef]:
    """At most LOOKED_AT tiles of the area, the nearest to its middle first."""
    rows, _ = grid.spanned
    area = grid.window
    middle = area.row_off + area.height / 2, area.col_off + area.width / 2

    def distance(ref: TileRef) -> float:
        return max(abs(ref.row_off + ref.height / 2 - middle[0]), abs(ref.col_off + ref.width / 2 - middle[1]))

    # Rows from the middle outwards; of a long row the nearest tiles alone.
    nearest = sorted(rows, key=lambda row: abs(row - rows[len(rows) // 2]))
    refs: list[TileRef] = []
    for row in nearest:
        refs += sorted(grid.in_row(row), key=distance)[:3]
        if len(refs) >= LOOKED_AT:
            break
    return sorted(refs, key=distance)[:LOOKED_AT]


def _limits(stretch: Stretch) -> dict[str, Any]:
    if stretch == IDENTITY:
        return {"low": None, "high": None}
    return {"low": list(stretch.low), "high": list(stretch.high)}


def _png(pixels: np.ndarray) -> str:
    """Uint8 (3, h, w) as base64 of a PNG."""
    stream = io.BytesIO()
    Image.fromarray(np.moveaxis(pixels, 0, -1)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")
