"""What a worker of a cluster does: caption a block of tiles as a run in one process would, with a model that is loaded once.

Whatever a worker must know comes with each block, so that workers may join and leave at any time. Knows nothing of Dask.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from uuid import uuid4

import numpy as np

from .. import __version__, registry
from ..contract.errors import InputError, ModelError, RasterError
from ..contract.request import CaptionRequest
from ..contract.tiles import TileCaption
from ..geo import access
from ..geo.grid import TileGrid
from ..geo.pair import RasterPair
from ..geo.source import RasterSource
from ..models import device
from ..models.captioner import Captioner
from . import lanes, pipeline
from .reading import was_cancelled


@dataclass(frozen=True)
class Job:
    """A run, kilobytes in all. ``pair`` carries stretches and pixel grid, and opens its files where it is read; ``grid`` needs no area.

    sha256, version : of the model's weights and of ChangeScribe at the client.
    """

    request: CaptionRequest
    pair: RasterPair
    grid: TileGrid
    heatmap: bool
    sha256: str
    version: str = __version__
    id: str = field(default_factory=lambda: uuid4().hex)


KEPT_JOBS = 4  # whose files stay open; a client that dies never says that its job has ended

_loading, _keeping = threading.Lock(), threading.Lock()
_ended: set[str] = set()  # ids of jobs whose client wants no more
_pairs: dict[str, RasterPair] = {}  # by job, with files that stay open: a mosaic of thousands takes longer to open than to read a tile of


def end(job_id: str) -> None:
    """Let blocks of a job that still run here stop within a second; close its files."""
    with _keeping:
        _ended.add(job_id)
        if pair := _pairs.pop(job_id, None):
            pair.close()


@contextmanager
def _kept(job: Job) -> Iterator[RasterPair]:
    """The job's rasters, which stay open for its next blocks while the job is among the latest few."""
    with _keeping:
        pair = _pairs[job.id] = _pairs.pop(job.id, job.pair)
        for job_id in list(_pairs)[:-KEPT_JOBS]:
            _pairs.pop(job_id).close()
    try:
        yield pair
    finally:
        with _keeping:
            if job.id in _ended:
                _pairs.pop(job.id, None)
            if job.id not in _pairs:
                pair.close()


def verify_version(version: str) -> None:
    """Check that this process, a worker's or the scheduler's, has the client's version of ChangeScribe.

    Raises
    ------
    InputError
        Another version.
    """
    if version != __version__:
        got = f"the cluster's {socket.gethostname()} has ChangeScribe {__version__}, this is {version}"
        raise InputError(got, "one version everywhere", "install it on scheduler and workers and start them again")


def verify_alike(version: str, model: str, sha256: str) -> None:
    """Check that this process captions as the client would.

    Raises
    ------
    InputError
        Another version of ChangeScribe. ModelError: no weights of the model, damaged ones, or others than the client's.
    """
    verify_version(version)
    host = socket.gethostname()
    try:
        registry.weights_path(model)
        found = registry.row(model)["sha256"]
    except ModelError as error:
        raise ModelError(f"a worker on {host}: {error.got}", error.need, f"on the workers: {error.do}") from None
    if found != sha256:
        got = f"a worker on {host} knows other weights of {model} (sha256 {found[:12]}…)"
        raise ModelError(got, f"this computer's (sha256 {sha256[:12]}…)", "install one version of ChangeScribe everywhere")


def caption_block(job: Job, cells: np.ndarray) -> tuple[list[TileCaption], list[dict]]:
    """Caption some tiles of a run.

    Parameters
    ----------
    cells : int (n, 2), row and column of each tile

    Returns
    -------
    The tiles in order, and the run's events meanwhile.

    Raises
    ------
    ChangeScribeError
        As ``pipeline.caption_tiles`` and ``verify_alike``. RasterError: the rasters are not the client's. Cancelled: the job has ended.
    """
    if job.id in _ended:
        raise was_cancelled()
    verify_alike(job.version, job.request.model, job.sha256)
    for source in (job.pair.before, job.pair.after):
        _verify_same(source)
    events: list[dict] = []
    captioner = _captioner(job.request, events)
    refs = (job.grid.ref(row, col) for row, col in cells.tolist())
    request = job.request.with_(batch_size=job.request.batch_size or lanes.batch_size(captioner))  # full from the first: nobody waits for that one
    with access.only_for(job.pair.before.path, job.pair.after.path), _kept(job) as pair:
        tiles = pipeline.caption_tiles(request, captioner, pair, job.grid, refs, lambda: job.id in _ended, events.append, job.heatmap)
        # The mask of valid pixels is larger than all the rest, and serves heat maps alone.
        return [tile if job.heatmap else replace(tile, valid=None) for tile in tiles], events


def _verify_same(source: RasterSource) -> None:
    try:
        source.verify_unchanged()
    except RasterError:
        got = f"a worker on {socket.gethostname()} has no {source.path}, or another file of that name"
        raise RasterError(got, "the same rasters under the same path on every computer", "share their folder, or name them by URL") from None


def _captioner(request: CaptionRequest, events: list[dict]) -> Captioner:
    with _loading:  # blocks that run side by side in one worker share a model
        loaded = _load.cache_info().misses
        captioner, note = _load(request.model, request.device)
        if note and _load.cache_info().misses > loaded:
            events.append({"type": "log", "level": "warning", "message": f"A worker on {socket.gethostname()}: {note}"})
        return captioner


@lru_cache(maxsize=2)
def _load(model: str, wanted: str) -> tuple[Captioner, str]:
    """The model, and why it is not on the device that was wanted ("" where it is)."""
    chosen = device.choose(wanted)
    return registry.load(model, chosen.name), chosen.note
