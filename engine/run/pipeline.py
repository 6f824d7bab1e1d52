"""The one path from two rasters to captioned tiles; the command line, the worker and batches all run it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field

import rasterio
import torch

from .. import __version__, registry
from ..contract.errors import AreaError, Cancelled, EngineError, InputError
from ..contract.fields import SCHEMA_VERSION
from ..contract.heatmap import HeatmapOutput
from ..contract.request import DEFAULT_MODEL, CaptionRequest, verify_question, verify_sampling
from ..contract.tiles import Caption, TileCaption, TileRef
from ..geo import access, area, around
from ..geo.clip import Clip
from ..geo.grid import TileGrid
from ..geo.matching import align, registration
from ..geo.matching.alignment import Alignment
from ..geo.pair import RasterPair
from ..models import device
from ..models.captioner import Captioner, CaptionOptions, ModelCard
from ..output import outputs
from . import lanes
from .lanes import never
from .reading import FIRST_TILES, MAX_FAILED_IN_A_ROW, BatchReader, ReadTile, TileBatch, read_tile, to_input_size

PROGRESS_S = 0.2
GSD_RATIO_LIMIT = 2.0  # beyond it objects are half or twice the size that the model knows
Event = Callable[[dict], None]
Executor = Callable[..., Generator[TileCaption, None, None]]  # called as caption_tiles is


def ignore(event: dict) -> None:
    """Take an event and do nothing."""


@dataclass
class Summary:
    """What a run did; counts are tiles. ``resumed`` ones were in the output before; seconds are of this run; ``files`` hold the layer.

    As in a tile's status, ``captioned`` are changed tiles and ``unchanged`` the others that the model saw. Processing's CAPTIONED is the sum of both.
    """

    output: str | None
    total: int
    model: str
    device: str
    resumed: int = 0
    captioned: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    elapsed_s: float = 0.0
    warnings: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """Changed tiles: the same as ``captioned``; users of the protocol know both names."""
        return self.captioned

    @property
    def done(self) -> int:
        return self.resumed + self.captioned + self.unchanged + self.skipped + self.failed

    @property
    def tiles_per_s(self) -> float:
        return (self.done - self.resumed) / self.elapsed_s if self.elapsed_s else 0.0

    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("done", "total", "captioned", "changed", "unchanged", "skipped", "failed")}

    def count(self, status: str) -> None:
        name = "skipped" if status == "skipped_nodata" else status
        setattr(self, name, getattr(self, name) + 1)

    def progress(self) -> dict:
        """The protocol's ``progress`` message."""
        left = self.total - self.done
        eta_s = round(left / self.tiles_per_s, 1) if self.tiles_per_s else None
        return {"type": "progress", **self.counts(), "tiles_per_s": round(self.tiles_per_s, 2), "eta_s": eta_s}

    def to_json(self) -> dict:
        """The result of a ``caption`` request."""
        members = asdict(self) | {"elapsed_s": round(self.elapsed_s, 2)}
        return members | {"tiles": self.total, "changed": self.changed, "tiles_per_s": round(self.tiles_per_s, 2)}


def load_captioner(request: CaptionRequest, on_event: Event = ignore) -> Captioner:
    """The request's model on the request's device; a device that fails is replaced by the CPU and the reason is logged.

    Of a model of gigabytes the memory that it needs is logged before it is loaded.
    """
    chosen = device.choose(request.device)
    if chosen.note:
        on_event({"type": "log", "level": "warning", "message": chosen.note})
    need_mb, free_mb = registry.weights_mb(request.model, chosen.name), device.free_memory_mb(torch.device(chosen.name))
    if need_mb is not None:
        short = free_mb is not None and need_mb > free_mb
        message = f"The weights of {request.model} need {need_mb:,} MB of memory on {chosen.name}"
        message += "" if free_mb is None else f"; {free_mb:,.0f} MB are free"
        on_event({"type": "log", "level": "warning" if short else "info", "message": message})
    return registry.load(request.model, chosen.name)


@contextmanager
def opened(request: CaptionRequest, card: ModelCard, alignment: Alignment | None = None) -> Iterator[tuple[RasterPair, TileGrid]]:
    """The request's rasters, aligned if wanted (as ``alignment`` has it, else as is estimated), and the tiles of its area."""
    access.limit()  # whatever an earlier request has opened
    with RasterPair.open(request, card.gsd_m) as pair:
        if request.align != "off":
            known = alignment is not None and alignment.method == request.align
            pair.align(alignment if known and alignment else align.estimate(pair, request.align))
        grid = area.tile_grid(request, pair)
        if request.clip:
            pair.clip = Clip.of(grid)
        yield pair, grid


def describe(request: CaptionRequest) -> dict:
    """What a run would do: tiles, CRS, ground resolution, bands and warnings; captions nothing."""
    request.verify()
    row = registry.row(request.model)
    verify_sampling(request, request.model, row.get("samplers", ()))
    verify_question(request.question, request.model, row.get("questions", False))
    card = registry.card(request.model)
    with opened(request, card) as (pair, grid):
        found = {**layout(request, pair, grid), "model": card.to_json(), "alignment": recorded(pair)}
        return {**found, "warnings": warnings_of(request, card, pair, offset_warning(pair))}


def layout(request: CaptionRequest, pair: RasterPair, grid: TileGrid) -> dict:
    """Grid and rasters as JSON."""
    return {
        "tiles": len(grid),
        "crs": pair.crs.to_string(),
        "transform": list(pair.transform)[:6],
        "height": pair.height,
        "width": pair.width,
        "gsd_m": round(pair.gsd_m, 4),
        "tile_px": request.tile_px,
        "overlap_px": request.overlap_px,
        "before_bands": list(pair.before.bands),
        "after_bands": list(pair.after.bands),
    }


def offset_warning(pair: RasterPair) -> str | None:
    """What a user should know of dates that lie off each other and are not aligned; None where they do not, or are."""
    return None if pair.alignment is not None and pair.alignment.applied else registration.check(pair)


def warnings_of(request: CaptionRequest, card: ModelCard, pair: RasterPair, offset: str | None) -> list[str]:
    """What a user should know before trusting the captions: of the rasters, their registration and their ground resolution."""
    notes = list(pair.warnings)
    level, text = align.describe(pair.alignment) if pair.alignment is not None else ("", "")
    notes += [note for note in (text if level == "warning" else None, offset) if note]
    seen_gsd_m = pair.gsd_m * request.tile_px / card.input_px
    if request.tile_px != card.input_px:
        notes.append(
            f"tiles of {request.tile_px} px are resampled to the {card.input_px} px that {card.id} takes: it sees {seen_gsd_m:.3g} m a pixel"
        )
    if max(seen_gsd_m / card.gsd_m, card.gsd_m / seen_gsd_m) > GSD_RATIO_LIMIT:
        remedy = "resolution model resamples the pair" if seen_gsd_m < card.gsd_m else "detail that is not there cannot be made: expect poor captions"
        notes.append(f"a pixel is {seen_gsd_m:.3g} m on the ground and {card.id} was trained at {card.gsd_m:g} m; {remedy}")
    return notes


def provenance(request: CaptionRequest, captioner: Captioner, pair: RasterPair, grid: TileGrid) -> dict:
    """Everything that is needed to repeat the run."""
    sampling = captioner.sampling(CaptionOptions.of(request))
    return {
        "request": request.to_json() | {name: absolute(getattr(request, name)) for name in ("before", "after", "aoi", "mask_before", "mask_after")},
        "model": {"id": captioner.card.id, "sha256": registry.row(captioner.card.id).get("sha256")},
        "threshold": captioner.card.threshold if request.threshold is None else request.threshold,
        "sampling": sampling and asdict(sampling),
        "grid": layout(request, pair, grid),
        "schema": SCHEMA_VERSION,
        "alignment": recorded(pair),
        "versions": versions() | {"device": str(captioner.device)},
    }


def recorded(pair: RasterPair) -> dict | None:
    """How the pair was aligned, as JSON; None where that was not asked for."""
    return None if pair.alignment is None else asdict(pair.alignment)


def versions() -> dict:
    return {
        "changescribe": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "rasterio": rasterio.__version__,
        "gdal": rasterio.__gdal_version__,
    }


def absolute(path: str | None) -> str | None:
    """Absolute path of a local file; other sources that GDAL opens stay as they are."""
    file, bar, options = (path or "").partition("|")
    if path and bar and not os.path.exists(path) and os.path.exists(file):
        return os.path.abspath(file) + bar + options
    return os.path.abspath(path) if path and os.path.exists(path) else path


def caption_tiles(
    request: CaptionRequest,
    captioner: Captioner,
    pair: RasterPair,
    grid: TileGrid,
    refs: Iterable[TileRef],
    cancelled: Callable[[], bool] = never,
    on_event: Event = ignore,
    heatmap: bool = False,
) -> Generator[TileCaption, None, None]:
    """Caption tiles of a grid in the order of ``refs``; ``heatmap`` asks for Caption.heatmap.

    Reading runs ahead in a thread, and the model computes in threads of its own (``lanes``). A tile that fails for its own reason has status
    "failed" and a log event.

    Raises
    ------
    Cancelled
        ``cancelled`` said so; acts at once, while the model or a read goes on in its thread.
    RasterError, EngineError
        What fails for every tile: rasters deleted or unreadable, out of memory with one tile.
    """
    size = request.batch_size or lanes.batch_size(captioner)
    reader = BatchReader(request, pair, refs, size, captioner.card.input_px, request.batch_size or FIRST_TILES)
    failed = 0
    with closing(reader.batches(cancelled)) as batches:  # ends the reader thread, whatever ends the loop
        for tile, caption, elapsed_s in lanes.captioned(request, captioner, batches, cancelled, heatmap):
            failed = failed + 1 if tile.status == "failed" else 0
            if tile.status == "failed":
                on_event({"type": "log", "level": "error", "message": f"Tile {tile.ref.tile_id} failed: {tile.error}"})
            if failed > MAX_FAILED_IN_A_ROW:
                raise EngineError(f"{failed} tiles in a row failed: {tile.error}", "a model that runs", "see `changescribe doctor`")
            yield _tile_caption(tile, caption, elapsed_s, captioner.card.id, grid)


def _tile_caption(tile: ReadTile, caption: Caption | None, elapsed_s: float, model: str, grid: TileGrid) -> TileCaption:
    status = tile.status if caption is None else "captioned" if caption.changed else "unchanged"
    return TileCaption(tile.ref, caption, tile.valid_before, tile.valid_after, model, status, elapsed_s, grid.footprint(tile.ref), tile.valid)


def tile_at(pair: RasterPair, grid: TileGrid, x: float, y: float) -> TileRef | None:
    """The area's tile under a point in the grid's CRS, whichever turn round the earth the point's x is given in."""
    left, _, right, _ = pair.overlap.bounds
    turn = pair.before.turn or 0.0
    return grid.at(x + turn * around.turns_to(x, (left + right) / 2, turn), y)


def caption_at(request: CaptionRequest, captioner: Captioner, pair: RasterPair, grid: TileGrid, x: float, y: float) -> TileCaption:
    """Caption the tile under a point in the grid's CRS, the same tile that a run over the area has.

    Raises
    ------
    AreaError
        No tile lies there.
    """
    ref = tile_at(pair, grid, x, y)
    if ref is None:
        raise AreaError(f"the point {x:.6g}, {y:.6g} lies outside the area", "a point inside both rasters and the area", "click inside the area")
    tile, before, after = read_tile(request, pair, ref)
    batch = TileBatch([tile])
    if before is not None and after is not None:
        batch.before, batch.after = (to_input_size(pixels[None], captioner.card.input_px) for pixels in (before, after))
    ((tile, caption, elapsed_s),) = lanes.captioned(request, captioner, [batch], alone=True)
    if tile.status == "failed":
        raise EngineError(f"the model failed on tile {ref.tile_id}: {tile.error}", "a model that runs", "see `changescribe doctor`")
    return _tile_caption(tile, caption, elapsed_s, captioner.card.id, grid)


def run(
    request: CaptionRequest,
    output: str | None,
    resume: bool = False,
    captioner: Captioner | None = None,
    on_event: Event = ignore,
    cancelled: Callable[[], bool] = never,
    heatmap: HeatmapOutput | None = None,
    part_tiles: int | None = None,
    caption: Executor = caption_tiles,
) -> Summary:
    """Caption an area and write the layer; whatever ends the run, the tiles captioned until then are kept.

    Parameters
    ----------
    output : path of the GeoPackage, or None to write nothing (the tile events are the result)
    resume : continue the same request's earlier output
    on_event : takes the protocol's log, progress and tile messages, without an id
    heatmap : where to write where in the tiles the change lies, or None
    part_tiles : larger areas are written as several files of at most so many tiles (``geo.parts``); None: one file whatever the size
    caption : what captions the tiles: this process, or a cluster's (``cluster.Workers.caption_tiles``)

    Raises
    ------
    ChangeScribeError
        Bad input, an output of another run, cancelled, or a failure of the engine.
    """
    request.verify()
    if heatmap is not None:
        outputs.verify_heatmap(heatmap, output, resume)
    captioner = captioner or load_captioner(request, on_event)
    captioner.verify_options(CaptionOptions.of(request))
    if heatmap is not None and not captioner.has_heatmap:
        raise InputError(f"{captioner.card.id} has no heat map", f"a model that has one, such as {DEFAULT_MODEL}", "choose another, or no heat map")
    alignment = outputs.recorded_alignment(output, part_tiles) if resume and request.align != "off" else None
    with opened(request, captioner.card, alignment) as (pair, grid), ExitStack() as stack:
        if pair.alignment is not None:
            level, text = align.describe(pair.alignment)
            if level == "info":
                on_event({"type": "log", "level": level, "message": text})
        offset = offset_warning(pair)
        summary = Summary(output, len(grid), captioner.card.id, str(captioner.device), warnings=warnings_of(request, captioner.card, pair, offset))
        for message in summary.warnings:
            # The panel then offers to align the dates.
            offer = {"offer": "align"} if message == offset and request.align == "off" else {}
            on_event({"type": "log", "level": "warning", "message": message, **offer})
        writers = outputs.Writers(stack, output, heatmap, grid, provenance(request, captioner, pair, grid), resume, part_tiles)
        summary.resumed, summary.files = len(writers.done), writers.files
        tiles = caption(request, captioner, pair, grid, grid.without(writers.done), cancelled, on_event, heatmap is not None)
        _consume(tiles, writers, summary, on_event)
        writers.close(summary.counts())
    _verify_some_worked(summary)
    return summary


def _verify_some_worked(summary: Summary) -> None:
    if summary.failed and not summary.captioned + summary.unchanged:
        raise EngineError(
            f"all {summary.failed} tiles failed", "rasters and a model that can be read and run", "see the log, and `changescribe doctor`"
        )


def _consume(tiles: Generator[TileCaption, None, None], writers: outputs.Writers, summary: Summary, on_event: Event) -> None:
    """Write and report the tiles; progress at most every PROGRESS_S."""
    start_s = told_s = time.perf_counter()
    on_event(summary.progress())
    try:
        with closing(tiles):  # ends the reader thread, whatever ends the loop
            for tile in tiles:
                writers.add(tile)
                summary.count(tile.status)
                on_event({"type": "tile", "tile": tile.to_json()})
                now_s = time.perf_counter()
                if now_s - told_s >= PROGRESS_S:
                    told_s, summary.elapsed_s = now_s, now_s - start_s
                    on_event(summary.progress())
    except Cancelled:
        on_event({"type": "log", "level": "info", "message": f"Cancelled after {summary.done} of {summary.total} tiles"})
        raise
    finally:
        summary.elapsed_s = time.perf_counter() - start_s
        on_event(summary.progress())
