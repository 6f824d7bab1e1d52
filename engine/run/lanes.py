"""Where models compute: batches in threads of their own, on a CPU several at once, given back in their order.

Two batches on one core each take less time than one batch on two cores after the other: nobody waits for the slower half of an operation of
microseconds, and one lane encodes while another decodes.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import lru_cache
from typing import NamedTuple

import torch

from ..contract.errors import ChangeScribeError
from ..contract.request import CaptionRequest
from ..contract.tiles import Caption, TileRef
from ..models import device
from ..models.captioner import Captioner, CaptionOptions, tile_seed
from .reading import POLL_S, ReadTile, TileBatch, was_cancelled

# On the CPU more tiles a batch are not faster for most models, only later to show; ``Captioner.cpu_batch`` of those that know better.
AUTO_BATCH = {"cpu": 8, "mps": 16, "cuda": 64}
MAX_LANES = 16  # each holds the intermediate results of a batch, and all share Python's one interpreter lock
FREE_SHARE = 0.5  # of the free memory that batches may fill

Captioned = tuple[ReadTile, "Caption | None", float]


class Lane(NamedTuple):
    """Threads in which batches are computed side by side, and how many there are."""

    pool: ThreadPoolExecutor
    width: int


def never() -> bool:
    return False


def captioned(
    request: CaptionRequest,
    captioner: Captioner,
    batches: Iterable[TileBatch],
    cancelled: Callable[[], bool] = never,
    heatmap: bool = False,
    alone: bool = False,
) -> Iterator[Captioned]:
    """All tiles of the batches in their order, each with its caption or None and its share of its batch's seconds.

    Models run here and not in the caller's thread, so that a cancellation need not wait for a slow batch. One that was left behind keeps its
    lane until it ends.

    Parameters
    ----------
    batches : one without tiles says that nothing has been read meanwhile
    alone : the batch is the only one, which need not wait for others that were left behind (a click)

    Raises
    ------
    Cancelled
        ``cancelled`` said so.
    ChangeScribeError
        What fails for every tile.
    """
    lane = _one_lane() if alone else _lane_of(captioner)
    waiting: deque[tuple[TileBatch, Future]] = deque()
    try:
        for batch in batches:
            if batch.tiles:
                waiting.append((batch, lane.pool.submit(_timed, request, captioner, batch, CaptionOptions.of(request, heatmap))))
            # One batch more than lanes, which is begun while the finished ones are written.
            while waiting and (len(waiting) > lane.width or waiting[0][1].done()):
                yield from _tiles(*waiting.popleft(), cancelled)
        while waiting:
            yield from _tiles(*waiting.popleft(), cancelled)
    finally:
        for _, call in waiting:
            call.cancel()


def batch_size(captioner: Captioner) -> int:
    """Tiles a batch: what is fastest on the device, less where its free memory would not hold them in every lane."""
    size = captioner.device.type == "cpu" and captioner.cpu_batch or AUTO_BATCH[captioner.device.type]
    lanes = _lane_of(captioner).width
    free_mb = device.free_memory_mb(captioner.device)
    while free_mb is not None and size > 1 and captioner.card.memory_mb * size * lanes / 16 > FREE_SHARE * free_mb:
        size //= 2
    return size


def _lane_of(captioner: Captioner) -> Lane:
    return _cpu_lanes() if captioner.device.type == "cpu" and captioner.one_thread else _one_lane()


@lru_cache(maxsize=1)
def _cpu_lanes() -> Lane:
    width = min(device.cpu_threads(), MAX_LANES)
    return Lane(_pool(width, 1), width)


@lru_cache(maxsize=1)
def _one_lane() -> Lane:
    return Lane(_pool(1, device.cpu_threads()), 1)


def _pool(width: int, threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(width, "changescribe-model", torch.set_num_threads, (threads,))


def _timed(request: CaptionRequest, captioner: Captioner, batch: TileBatch, options: CaptionOptions) -> tuple[dict[TileRef, Caption | None], float]:
    """Captions of the ready tiles, and a tile's share of the seconds."""
    start_s = time.perf_counter()
    refs = [tile.ref for tile in batch.ready]  # before the call, after which those that failed are ready no longer
    captions = dict(zip(refs, _model_call(request, captioner, batch, options)))
    return captions, (time.perf_counter() - start_s) / max(1, len(refs))


def _tiles(batch: TileBatch, call: Future, cancelled: Callable[[], bool]) -> Iterator[Captioned]:
    while not wait((call,), POLL_S).done:
        if cancelled():
            raise was_cancelled()
    captions, elapsed_s = call.result()
    for tile in batch.tiles:
        yield tile, captions.get(tile.ref), elapsed_s if tile.ref in captions else 0.0


def _model_call(request: CaptionRequest, captioner: Captioner, batch: TileBatch, options: CaptionOptions) -> list[Caption | None]:
    """Captions of the ready tiles; one that makes the model fail is told from its neighbours by calling it alone."""
    ready = batch.ready
    if not ready or batch.before is None or batch.after is None:
        return []
    seeds = [tile_seed(request.seed, tile.ref.row, tile.ref.col) for tile in ready]
    try:
        return list(captioner.caption(batch.before, batch.after, options, seeds))
    except ChangeScribeError:
        raise  # said clearly already, and not a single tile's fault
    except Exception as error:  # any bug or odd input of a model: one tile must not end a run of thousands
        if len(ready) == 1:
            ready[0].status, ready[0].error = "failed", f"{type(error).__name__}: {error}"
            return [None]
    captions: list[Caption | None] = []
    for i, tile in enumerate(ready):
        captions += _model_call(request, captioner, TileBatch([tile], batch.before[i : i + 1], batch.after[i : i + 1]), options)
    return captions
