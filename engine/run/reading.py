"""Reading ahead: a thread reads tiles into a bounded queue of batches while the model computes on the one before."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from ..contract.errors import Cancelled, ChangeScribeError, InputError, RasterError
from ..contract.request import CaptionRequest
from ..contract.tiles import TileRef
from ..geo.validity.joint import fill_jointly

if TYPE_CHECKING:
    from ..geo.pair import RasterPair

QUEUED_BATCHES = 2  # one that is ready while one computes, and one of slack; more only costs memory
POLL_S = 0.05
FIRST_TILES = 8  # so that the first captions come soon and a small area has work for every lane
# One bad block is that tile's fault; this many in a row are the raster's or the model's.
MAX_FAILED_IN_A_ROW = 20


@dataclass
class ReadTile:
    """A tile as read: status "ready", "skipped_nodata" or "failed" (with the reason in ``error``).

    valid_before, valid_after : share with data, 0..1, of the tile's part in the raster and in the area that tiles are cut to.
    valid : bool (ref.height, ref.width), pixels that the model sees: with data in both dates, and in that area; None where the tile could not be
        read.
    """

    ref: TileRef
    valid_before: float
    valid_after: float
    status: str = "ready"
    error: str = ""
    valid: np.ndarray | None = None


@dataclass
class TileBatch:
    """Consecutive tiles of the grid and the pixels of the ready ones among them.

    before, after : uint8 (N, 3, input_px, input_px), N the number of ready tiles, in order.
    """

    tiles: list[ReadTile] = field(default_factory=list)
    before: np.ndarray | None = None
    after: np.ndarray | None = None

    @property
    def ready(self) -> list[ReadTile]:
        return [tile for tile in self.tiles if tile.status == "ready"]


def was_cancelled() -> Cancelled:
    return Cancelled("the run was cancelled; what was written is kept", "", "run again with --resume to continue")


class FileWatch:
    """Notices that a raster was deleted or rewritten after the run began; pixels of two versions must not mix.

    An open file may stay readable after its deletion, so that reading alone would not tell. Paths that are no local files are not watched.
    """

    def __init__(self, *paths: str):
        self.stamps = {path: _stamp(path) for path in paths}

    def check(self) -> None:
        """Compare with the state at the start.

        Raises
        ------
        RasterError
            A file is gone or differs.
        """
        for path, stamp in self.stamps.items():
            if stamp is None or _stamp(path) == stamp:
                continue
            what = "changed" if os.path.exists(path) else "was deleted or its disk went away"
            raise RasterError(
                f"{path} {what} while the run read it", "rasters that stay as they are", "put the file back and run again with --resume"
            )


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_size, state.st_mtime_ns


def read_tile(request: CaptionRequest, pair: RasterPair, ref: TileRef) -> tuple[ReadTile, np.ndarray | None, np.ndarray | None]:
    """Read one tile; pixels (uint8 (3, tile_px, tile_px)) only where both dates have data on enough of it, and alike elsewhere (``fill_jointly``).

    What lies beyond the raster's edge, or beyond the area that tiles are cut to, is padding and no missing data.
    """
    before, after, valid_before, valid_after = pair.read(ref)
    window = (slice(0, ref.height), slice(0, ref.width))
    asked = np.ones((ref.height, ref.width), bool) if pair.clip is None else pair.clip.inside(ref)
    common = np.zeros(before.shape[1:], bool)
    common[window] = valid_before[window] & valid_after[window] & asked
    # Counting takes a tenth of the time of a mean.
    count = max(1, int(np.count_nonzero(asked)))
    shares = [float(np.count_nonzero(valid[window] & asked)) / count for valid in (valid_before, valid_after)]
    tile = ReadTile(ref, shares[0], shares[1], valid=common[window])
    if not asked.any() or 1.0 - np.count_nonzero(common) / count > request.max_nodata:
        tile.status = "skipped_nodata"
        return tile, None, None
    return tile, *fill_jointly(before, after, common, common)


def to_input_size(tiles: np.ndarray, input_px: int) -> np.ndarray:
    """Resample uint8 (N, 3, H, W) to (N, 3, input_px, input_px), bilinear with antialiasing; the same array where the size fits."""
    if tiles.shape[2:] == (input_px, input_px):
        return tiles
    resized = F.interpolate(torch.from_numpy(tiles).float(), size=(input_px, input_px), mode="bilinear", align_corners=False, antialias=True)
    return resized.round().clamp(0, 255).to(torch.uint8).numpy()


class BatchReader:
    """Reads tiles in a thread of its own, with file handles of its own.

    Parameters
    ----------
    refs : the tiles; taken one by one as they are read
    batch_size : ready tiles a batch. first_tiles : of the first batch; the next ones grow from there
    input_px : side of the model's input; other tile sizes are resampled to it
    """

    def __init__(
        self, request: CaptionRequest, pair: RasterPair, refs: Iterable[TileRef], batch_size: int, input_px: int, first_tiles: int = FIRST_TILES
    ):
        self.request, self.pair, self.refs = request, pair, refs
        self.batch_size, self.input_px, self.first_tiles = batch_size, input_px, min(first_tiles, batch_size)
        self.watch = FileWatch(*request.rasters())
        self._queue: queue.Queue[TileBatch | BaseException | None] = queue.Queue(QUEUED_BATCHES)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read_all, name="changescribe-reader", daemon=True)

    def batches(self, cancelled: Callable[[], bool]) -> Generator[TileBatch, None, None]:
        """Yield the batches in the tiles' order, and an empty one whenever nothing was read for POLL_S; ends the thread when the caller stops early.

        Raises
        ------
        Cancelled
            As soon as ``cancelled`` says so, even while a read hangs.
        RasterError
            The rasters cannot be read any more.
        """
        self._thread.start()
        try:
            while True:
                item = self._next(cancelled)
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self._stop.set()
            self._thread.join(1.0)

    def _next(self, cancelled: Callable[[], bool]) -> TileBatch | BaseException | None:
        if cancelled():
            raise was_cancelled()
        try:
            return self._queue.get(timeout=POLL_S)
        except queue.Empty:
            return TileBatch()

    def _put(self, item: TileBatch | BaseException | None) -> None:
        while not self._stop.is_set():
            try:
                return self._queue.put(item, timeout=POLL_S)
            except queue.Full:
                continue

    def _read_all(self) -> None:
        try:
            with self.pair.lent() as pair:
                for batch in self._grouped(pair):
                    self._put(batch)
            self._put(None)
        except BaseException as error:  # everything that ends this thread must reach the run, which raises it
            self._put(error)

    def _grouped(self, pair: RasterPair) -> Iterator[TileBatch]:
        batch, befores, afters, failed, size = TileBatch(), [], [], 0, self.first_tiles
        for ref in self.refs:
            if self._stop.is_set():
                return
            tile, before, after = self._read(pair, ref)
            failed = failed + 1 if tile.status == "failed" else 0
            if failed > MAX_FAILED_IN_A_ROW:
                raise RasterError(
                    f"{failed} tiles in a row could not be read: {tile.error}", "readable rasters", "check both files with gdalinfo -checksum"
                )
            batch.tiles.append(tile)
            if before is not None and after is not None:
                befores.append(before)
                afters.append(after)
            # Skipped tiles hold no pixels; a limit on them keeps the progress moving across a desert of nodata.
            if len(befores) == size or len(batch.tiles) >= 4 * size:
                self.watch.check()
                yield self._filled(batch, befores, afters)
                batch, befores, afters, size = TileBatch(), [], [], min(size + 2, self.batch_size)
        if batch.tiles:
            self.watch.check()
            yield self._filled(batch, befores, afters)

    def _filled(self, batch: TileBatch, befores: list[np.ndarray], afters: list[np.ndarray]) -> TileBatch:
        if befores:
            batch.before, batch.after = (to_input_size(np.stack(tiles), self.input_px) for tiles in (befores, afters))
        return batch

    def _read(self, pair: RasterPair, ref: TileRef) -> tuple[ReadTile, np.ndarray | None, np.ndarray | None]:
        try:
            return read_tile(self.request, pair, ref)
        except (ChangeScribeError, OSError, RuntimeError) as error:
            if isinstance(error, InputError) and not isinstance(error, RasterError):
                raise
            self.watch.check()  # a raster that went away is the run's failure, not the tile's
            return ReadTile(ref, 0.0, 0.0, "failed", str(error)), None, None
