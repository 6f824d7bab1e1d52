"""What a run would take: time from a few tiles of the area itself, and room on the disk."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from ..contract.request import CaptionRequest
from ..contract.tiles import TileRef
from ..geo.grid import TileGrid
from ..models import device
from ..output.parts import part_paths
from . import pipeline

SAMPLE_ROWS, SAMPLE_COLS = 8, 8
# A row of the layer with its share of the indexes, as `python -m tests.bench.large` measures it.
BYTES_A_TILE = 400


def estimate(
    request: CaptionRequest,
    output: str | None,
    part_tiles: int | None,
    on_event: pipeline.Event = pipeline.ignore,
    cancelled: Callable[[], bool] = pipeline.never,
) -> dict:
    """Caption tiles spread over the area, and reckon from them what all would take on this computer.

    Returns
    -------
    dict
        ``tiles_per_s`` and ``changed_share`` (0..1) of ``sampled`` tiles; ``seconds`` and ``core_hours`` of one process; ``output_bytes``
        without a heat map, ``files``, and ``free_bytes`` on the output's disk (None without an output).

    Raises
    ------
    ChangeScribeError
        As ``pipeline.caption_tiles``.
    """
    captioner = pipeline.load_captioner(request, on_event)
    with pipeline.opened(request, captioner.card) as (pair, grid):
        refs = sample(grid)
        list(pipeline.caption_tiles(request, captioner, pair, grid, refs[:2], cancelled, on_event))  # the first ones are slow
        start_s = time.perf_counter()
        tiles = list(pipeline.caption_tiles(request, captioner, pair, grid, refs, cancelled, on_event))
        tiles_per_s = len(tiles) / (time.perf_counter() - start_s)
        parted = part_tiles is not None and len(grid) > part_tiles
        files = len(part_paths(Path(output or "out.gpkg"), grid, part_tiles)) if parted and part_tiles else 1
    seconds = len(grid) / tiles_per_s
    return {
        "sampled": len(tiles),
        "tiles_per_s": round(tiles_per_s, 2),
        "changed_share": round(sum(tile.status == "captioned" for tile in tiles) / len(tiles), 3),
        "seconds": round(seconds),
        "core_hours": round(seconds * device.cpu_threads() / 3600, 3),
        "device": str(captioner.device),
        "output_bytes": BYTES_A_TILE * len(grid),
        "files": files,
        "free_bytes": shutil.disk_usage(Path(output).absolute().parent).free if output and os.path.isdir(Path(output).absolute().parent) else None,
    }


def sample(grid: TileGrid) -> list[TileRef]:
    """At most SAMPLE_ROWS × SAMPLE_COLS tiles, evenly over the rows that have tiles of the area and over each of these rows."""
    rows = _spread(list(grid.row_lengths), SAMPLE_ROWS)
    return [ref for row in rows for ref in _spread(grid.in_row(row), SAMPLE_COLS)]


def _spread(items: list, count: int) -> list:
    if len(items) <= count:
        return items
    return [items[(2 * i + 1) * len(items) // (2 * count)] for i in range(count)]


def text(found: dict) -> str:
    """The estimate for people."""
    hours, minutes = divmod(found["seconds"] / 60, 60)
    duration = f"{hours:.0f} h {minutes:02.0f} min" if hours >= 1 else f"{found['seconds'] / 60:.1f} min"
    files = f" in {found['files']} files" if found["files"] > 1 else ""
    free = f", {found['free_bytes'] / 1e9:.1f} GB free there" if found["free_bytes"] is not None else ""
    return (
        f"about {duration} here at {found['tiles_per_s']:.3g} tiles/s, {found['core_hours']:.3g} core-hours on {found['device']} (measured on "
        f"{found['sampled']} tiles spread over the area, {100 * found['changed_share']:.0f} % of them changed)\n"
        f"about {found['output_bytes'] / 1e6:.3g} MB{files}{free}"
    )
