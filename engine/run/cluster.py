"""Captioning on a Dask cluster: blocks of tiles are its tasks, and one writer at the client takes what comes back.

Dask gives a dead worker's blocks to the others; a block comes back once. ``cluster_block`` is what a worker does.
"""

from __future__ import annotations

import operator
import queue
import re
import signal
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from .. import __version__, registry
from ..contract.errors import ChangeScribeError, EngineError, InputError
from ..contract.request import CaptionRequest
from ..contract.tiles import TileCaption, TileRef
from ..geo.grid import TileGrid
from ..geo.pair import RasterPair
from ..models import device
from ..models.captioner import Captioner
from . import cluster_block
from .pipeline import Event, absolute, never
from .reading import POLL_S, was_cancelled

# Tiles a block: seconds of work against milliseconds of the scheduler's, fewer where what is left would not feed all workers.
MIN_BLOCK_TILES, MAX_BLOCK_TILES, BLOCKS_A_THREAD = 8, 128, 2
# Blocks with the scheduler at a time: enough to show an adaptive cluster that it should grow, few enough for any client's memory.
MIN_IN_FLIGHT, IN_FLIGHT_A_THREAD = 64, 3
CONNECT_S = 10.0
RESULT_S = 10.0  # in which the result of a finished block arrives, unless it was lost
COUNT_S = 2.0  # how often the cluster's threads are counted
REMOTE = re.compile(r"(?:tcp|tls)://\S+:\d+")
LOCAL = re.compile(r"local(?::(?:([1-9]\d*)-)?([1-9]\d*))?")


class Workers:
    """A Dask cluster, connected; a context manager.

    Parameters
    ----------
    address : "tcp://HOST:PORT" or "tls://HOST:PORT" of a scheduler; or "local", "local:N", "local:M-N" for N processes (M to N of them,
        as there is work) of this computer with one thread each, which end with the context

    Raises
    ------
    InputError
        Dask is not installed, another kind of address, or no scheduler there.
    """

    def __init__(self, address: str, on_event: Event):
        self.address = address
        self._stack = ExitStack()
        try:
            self.client = self._connect()
        except BaseException:
            self._stack.close()
            raise
        dashboard = self.client.dashboard_link
        on_event(_log("info", f"{self.describe()}; dashboard: {dashboard}"))
        if not self._threads():
            on_event(_log("warning", f"no worker has joined yet; waiting for `dask worker {self.client.scheduler.address}`"))

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def describe(self) -> str:
        """How many workers there are, and where."""
        return f"{len(self.client.nthreads())} Dask workers at {self.address}"

    def _connect(self) -> Any:
        local, remote = LOCAL.fullmatch(self.address), REMOTE.fullmatch(self.address)
        if not (local or remote):
            raise InputError(f"scheduler {self.address!r}", "tcp://HOST:PORT, tls://HOST:PORT, local, local:N or local:M-N", "correct --scheduler")
        try:
            import dask
            from distributed import Client
        except ImportError as error:
            do = "pip install '.[cluster]' in the repository"
            raise InputError(f"--scheduler {self.address} without Dask ({error})", "the extra `cluster`", do) from error
        if local:  # Dask's profiler looks at every stack a hundred times a second: 2 % of a worker's work
            self._stack.enter_context(dask.config.set({"distributed.worker.profile.enabled": False}))
        target = self._stack.enter_context(_local_cluster(local)) if local else self.address
        try:
            client = self._stack.enter_context(Client(target, timeout=CONNECT_S, set_as_default=False))
            if local:
                client.register_plugin(_deaf())
            return client
        except (OSError, ValueError, ImportError, RuntimeError) as error:  # TimeoutError is an OSError
            do = "start one with `dask scheduler`, check address and firewall"
            raise InputError(f"no Dask scheduler answers at {self.address} ({error})", "a running scheduler", do) from error

    def _threads(self) -> int:
        return sum(self.client.nthreads().values())

    def verify(self, model: str) -> None:
        """Check that scheduler and workers have this version of ChangeScribe, and the workers the model's weights.

        Workers that join later are checked with their first block.

        Raises
        ------
        InputError, ModelError
            Of the first one that has not.
        """
        sha256 = registry.row(model)["sha256"]
        with _failures(self.address, OSError):
            answers = {"scheduler": self._of_scheduler()}
            answers |= self.client.run(cluster_block.verify_alike, __version__, model, sha256, on_error="return")
        for place, answer in answers.items():
            if isinstance(answer, ChangeScribeError):
                raise answer
            if isinstance(answer, Exception):
                got = f"the cluster's {place} cannot run ChangeScribe ({type(answer).__name__}: {answer})"
                do = "install it for scheduler and workers and start them again"
                raise InputError(got, f"ChangeScribe {__version__} in the Python of scheduler and workers", do)

    def _of_scheduler(self) -> Exception | None:
        try:
            self.client.run_on_scheduler(cluster_block.verify_version, __version__)
        except (ImportError, AttributeError, ChangeScribeError) as error:
            return error
        return None

    def caption_tiles(
        self,
        request: CaptionRequest,
        captioner: Captioner,
        pair: RasterPair,
        grid: TileGrid,
        refs: Iterable[TileRef],
        cancelled: Callable[[], bool] = never,
        on_event: Event = lambda event: None,
        heatmap: bool = False,
    ) -> Generator[TileCaption, None, None]:
        """Caption tiles as ``pipeline.caption_tiles`` does, on the workers; blocks come in the order in which they are done.

        Raises
        ------
        ChangeScribeError
            As ``pipeline.caption_tiles`` and ``verify``. EngineError: the scheduler has gone, or a block ended several workers.
        """
        self.verify(captioner.card.id)
        sha256 = registry.row(captioner.card.id)["sha256"]
        job = cluster_block.Job(request, pair, replace(grid, area=None), heatmap, sha256)
        left = operator.length_hint(refs, len(grid))  # of a resumed run not the whole grid
        for tiles, events in self._run_blocks(job, _blocks(refs, _block_sizes(left, self._threads())), cancelled):
            for event in events:
                on_event(event)
            yield from tiles

    def _run_blocks(self, job: cluster_block.Job, blocks: Iterator[np.ndarray], cancelled: Callable[[], bool]) -> Iterator[tuple[list, list]]:
        """Keep some blocks with the scheduler until all are done; yields their results."""
        from distributed import TimeoutError

        waiting: dict[str, Any] = {}
        finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        limit, counted_s = 0, -COUNT_S
        try:
            while True:
                if time.monotonic() - counted_s >= COUNT_S:
                    limit, counted_s = max(MIN_IN_FLIGHT, IN_FLIGHT_A_THREAD * self._threads()), time.monotonic()
                for cells in islice(blocks, max(0, limit - len(waiting))):
                    with _failures(self.address, OSError):
                        future = self.client.submit(cluster_block.caption_block, job, cells, pure=False)
                    waiting[future.key] = future
                    future.add_done_callback(finished.put)
                if not waiting:
                    return
                future = _next(finished, cancelled)
                with _failures(self.address):
                    try:
                        result = future.result(timeout=RESULT_S)
                    except TimeoutError:
                        if future.status == "error":  # the block's own
                            raise
                        # Its worker died with it; it is computed anew.
                        future.add_done_callback(finished.put)
                        continue
                del waiting[future.key]
                yield result
        finally:
            self._end(job, list(waiting.values()))

    def _end(self, job: cluster_block.Job, futures: list) -> None:
        """Let the workers stop and close their files; one that cannot be reached stops by itself when its block is done."""
        if self.client.status != "running":
            return
        with suppress(Exception):  # whatever ended the run is what matters
            self.client.cancel(futures)
            self.client.run(cluster_block.end, job.id, on_error="ignore")


def _next(finished: queue.SimpleQueue, cancelled: Callable[[], bool]) -> Any:
    while True:
        if cancelled():
            raise was_cancelled()
        with suppress(queue.Empty):
            return finished.get(timeout=POLL_S)


class _failures:
    """Turn what Dask raises into errors that say what to do.

    Parameters
    ----------
    also_gone : what else means that the scheduler cannot be reached; of a block's result nothing does, because a worker's own errors come with it
    """

    def __init__(self, address: str, *also_gone: type[Exception]):
        self.address, self.also_gone = address, also_gone

    def __enter__(self) -> None:
        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        self.killed = KilledWorker
        self.gone: tuple[type[BaseException], ...] = (CancelledError, CommClosedError, *self.also_gone)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        if isinstance(error, self.killed):
            got = f"a block of tiles ended one worker after another ({reason})"
            do = "look into the workers' logs; give them more memory or take a smaller --batch; then run again with --resume"
            raise EngineError(got, "workers that live through it", do) from error
        if isinstance(error, self.gone):
            got = f"the Dask scheduler at {self.address} has gone ({reason})"
            raise EngineError(got, "a scheduler that runs as long as the run", "start it again, then run again with --resume") from error


def _local_cluster(address: re.Match) -> Any:
    from distributed import LocalCluster

    fewest, most = address.groups()
    workers = int(most or device.cores())
    cluster = LocalCluster(n_workers=int(fewest or workers), threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0")
    if fewest:
        cluster.adapt(minimum=int(fewest), maximum=workers)
    return cluster


def _deaf() -> Any:
    """A plugin by which workers ignore Ctrl-C, which a terminal sends to them too; when to stop is the client's to say."""
    from distributed import WorkerPlugin

    class Deaf(WorkerPlugin):
        def setup(self, worker: Any) -> None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    return Deaf()


def _block_sizes(tiles: int, threads: int) -> Iterator[int]:
    """Tiles of each block: less and less towards a run's end, so that all end together (guided self-scheduling, Polychronopoulos and Kuck 1987)."""
    while True:
        size = min(MAX_BLOCK_TILES, max(MIN_BLOCK_TILES, tiles // (BLOCKS_A_THREAD * max(1, threads))))
        tiles -= size
        yield size


def _blocks(refs: Iterable[TileRef], sizes: Iterator[int]) -> Iterator[np.ndarray]:
    """Int (n, 2) rows and columns of so many tiles at a time."""
    stream = iter(refs)
    while block := [(ref.row, ref.col) for ref in islice(stream, next(sizes))]:
        yield np.array(block)


def portable(request: CaptionRequest) -> CaptionRequest:
    """The request with absolute paths, which mean the same in a worker's folder."""
    paths = {name: getattr(request, name) for name in ("before", "after", "mask_before", "mask_after")}
    return request.with_(**{name: absolute(path) for name, path in paths.items()})


def _log(level: str, message: str) -> dict:
    return {"type": "log", "level": level, "message": message}
