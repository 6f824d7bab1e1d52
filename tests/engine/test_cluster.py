"""Captioning on a real Dask cluster: a scheduler and worker processes on this computer, killed, joined late, and unlike the client."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from runs import FAKES, count, start, table

from engine import cluster, cluster_block, device, pipeline, registry
from engine.captioner import ModelCard
from engine.errors import Cancelled, EngineError, InputError, ModelError, RasterError
from engine.geo import access
from engine.geo.tileset import TileSet
from engine.schema import HeatmapOutput, TileRef

import fakes

distributed = pytest.importorskip("distributed", reason="no Dask: pip install '.[cluster]'")
PRELOAD = str(FAKES.with_name("cluster_preload.py"))
JOIN_S = 120


class Dask:
    """A scheduler in a process of its own, and workers to start and kill."""

    def __init__(self, folder, *options):
        self.folder, self.processes = folder, []
        self.file = folder / "scheduler.json"
        with pytest.MonkeyPatch.context() as patch:  # so that workers that start together find it made
            patch.setattr(registry, "RESOURCES", registry.RESOURCES)
            fakes.install(folder / "registry")
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self.file), "--no-dashboard", *options)
        self.address = json.loads(wait_for(lambda: self.file.exists() and self.file.read_text()))["address"]

    def start(self, *arguments, **environment):
        settings = {"FAKE_REGISTRY": str(self.folder / "registry"), "OMP_NUM_THREADS": "1", **environment}
        with (self.folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments], cwd=self.folder, env={**os.environ, **settings}, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def worker(self, *arguments, delay_s=0.0):
        return self.start("worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", *arguments, FAKE_DELAY_S=str(delay_s))

    def end(self, processes):
        for process in processes:
            process.kill()
            process.wait()

    @contextmanager
    def workers(self, number, *arguments, delay_s=0.0):
        """So many workers more, and the client's side."""
        if not arguments:
            arguments = ("--preload", PRELOAD)
        processes = [self.worker(*arguments, delay_s=delay_s) for _ in range(number)]
        try:
            with cluster.Workers(self.address, pipeline.ignore) as workers, pytest.MonkeyPatch.context() as patch:
                patch.setattr(registry, "RESOURCES", self.folder / "registry")  # files made twice may differ in their metadata's order
                wait_for(lambda: len(workers.client.nthreads()) == number)
                yield workers, processes
        finally:
            self.end(processes)


def wait_for(found, seconds=JOIN_S):
    end = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
    return value


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    made = Dask(tmp_path_factory.mktemp("dask"), "--preload", PRELOAD)
    yield made
    made.end(made.processes)


def captioner():
    return fakes.FakeCaptioner(ModelCard(fakes.ID, "a fake", threshold=0.1))


def run(request, output, workers=None, **options):
    caption = workers.caption_tiles if workers else pipeline.caption_tiles
    return pipeline.run(request, str(output), captioner=captioner(), caption=caption, **options)


def geometries(path):
    with sqlite3.connect(path) as database:
        return database.execute("SELECT tile_id, geom FROM change_captions ORDER BY tile_id").fetchall()


def test_the_output_is_that_of_one_process(dask, request_of, tmp_path):
    """Attributes and geometries byte for byte; the heat map pixel for pixel; then cancelled, and resumed with another worker."""
    request = request_of(12, 12)
    alone, spread, stopped = (tmp_path / f"{name}.gpkg" for name in ("alone", "spread", "stopped"))
    run(request, alone, heatmap=HeatmapOutput(str(tmp_path / "alone.tif")))
    with dask.workers(2, delay_s=0.002) as (workers, _):
        summary = run(request, spread, workers, heatmap=HeatmapOutput(str(tmp_path / "spread.tif")))
        seen = []
        with pytest.raises(Cancelled, match="what was written is kept"):
            run(request, stopped, workers, on_event=lambda e: seen.append(e["type"]), cancelled=lambda: seen.count("tile") >= 20)
    assert 20 <= count(stopped) < 144
    with dask.workers(1) as (workers, _):
        resumed = run(request, stopped, workers, resume=True)
    assert (summary.total, summary.done, resumed.done) == (144, 144, 144)
    assert resumed.resumed >= 20
    assert table(alone) == table(spread) == table(stopped)
    assert geometries(alone) == geometries(spread) == geometries(stopped)
    with rasterio.open(tmp_path / "alone.tif") as one, rasterio.open(tmp_path / "spread.tif") as other:
        assert (one.read() == other.read()).all()


def test_a_worker_killed_and_another_that_joins(dask, request_of, tmp_path):
    request = request_of(16, 16)
    alone, spread = tmp_path / "alone.gpkg", tmp_path / "spread.gpkg"
    run(request, alone)
    with dask.workers(2, delay_s=0.02) as (workers, processes):
        seen, late = [], []

        def kill_one(event):
            seen.append(event["type"])
            if seen.count("tile") == 30:
                processes[0].send_signal(signal.SIGKILL)
                late.append(dask.worker("--preload", PRELOAD))

        summary = run(request, spread, workers, on_event=kill_one)
        dask.end(late)
    assert processes[0].returncode == -signal.SIGKILL and summary.failed == 0
    assert table(alone) == table(spread)


def test_no_more_than_some_blocks_are_with_the_scheduler(dask, request_of, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "MIN_IN_FLIGHT", 2)
    monkeypatch.setattr(cluster, "IN_FLIGHT_A_THREAD", 1)
    with dask.workers(1) as (workers, _):
        flying, most = set(), []
        submit = workers.client.submit

        def watched(*arguments, **options):
            future = submit(*arguments, **options)
            flying.add(future.key)
            future.add_done_callback(lambda done: flying.discard(done.key))
            most.append(len(flying))
            return future

        monkeypatch.setattr(workers.client, "submit", watched)
        run(request_of(12, 12), tmp_path / "out.gpkg", workers)
    assert len(most) == 10 and max(most) <= 2  # 144 tiles, one thread: blocks of 36 and fewer


def test_workers_unlike_the_client(dask, request_of, tmp_path, monkeypatch):
    request = request_of()
    with dask.workers(1) as (workers, _):
        with monkeypatch.context() as patch:
            patch.setattr(cluster, "__version__", "99.0")
            with pytest.raises(InputError, match="the cluster's .* has ChangeScribe .*, this is 99.0.*one version everywhere"):
                run(request, tmp_path / "out.gpkg", workers)
        with monkeypatch.context() as patch:
            patch.setattr(registry, "row", lambda model: {"id": model, "sha256": "0" * 64, "class": "fake:FakeCaptioner", "file": "fake.safetensors"})
            with pytest.raises(ModelError, match="knows other weights of fake .*Needed: this computer's .sha256 000000000000"):
                run(request, tmp_path / "out2.gpkg", workers)
        weights = dask.folder / "registry" / "weights" / "fake.safetensors"
        weights.rename(weights.with_suffix(".away"))
        try:
            with pytest.raises(ModelError, match="a worker on .*: fake is not installed"):
                workers.verify(fakes.ID)
        finally:
            weights.with_suffix(".away").rename(weights)
    with dask.workers(1, "--name", "bare") as (workers, _), pytest.raises(InputError, match="cannot run ChangeScribe .*No module named 'engine'"):
        workers.verify(fakes.ID)


def test_the_scheduler_goes_away(tmp_path, request_of):
    lonely = Dask(tmp_path, "--preload", PRELOAD)
    try:
        with lonely.workers(1, delay_s=0.05) as (workers, _):
            ends = threading.Timer(2.0, lonely.processes[0].kill)
            ends.start()
            with pytest.raises(EngineError, match="has gone.*--resume"):
                run(request_of(16, 16), tmp_path / "out.gpkg", workers)
    finally:
        lonely.end(lonely.processes)


def test_a_scheduler_without_changescribe(tmp_path, fake_weights):
    bare = Dask(tmp_path)
    try:
        with (
            cluster.Workers(bare.address, pipeline.ignore) as workers,
            pytest.raises(InputError, match="scheduler cannot run ChangeScribe .*No module named 'engine'"),
        ):
            workers.verify(fakes.ID)
    finally:
        bare.end(bare.processes)


def test_a_raster_that_the_worker_does_not_have(request_of):
    request = request_of()
    with pipeline.opened(request, captioner().card) as (pair, grid):
        job = cluster_block.Job(request, pair, grid, False, registry.row(fakes.ID)["sha256"])
        tiles, events = cluster_block.caption_block(job, np.array([[0, 0], [2, 1]]))
        assert [(tile.status, tile.valid) for tile in tiles] == [("captioned", None), ("skipped_nodata", None)] and events == []
        os.utime(request.after, (0, 0))
        with pytest.raises(RasterError, match="has no .*after.tif, or another file of that name"):
            cluster_block.caption_block(job, np.array([[0, 0]]))


def job_of(request):
    with pipeline.opened(request, captioner().card) as (pair, grid):
        return cluster_block.Job(request, pair, grid, False, registry.row(fakes.ID)["sha256"])


def test_a_worker_is_closed_again_after_a_job_that_names_a_url(request_of, monkeypatch):
    request = request_of()
    local, named = job_of(request), job_of(request)
    named.pair.before.path = "https://example.org/before.tif"
    seen = []

    def reading(request, captioner, pair, *rest):
        access.allow(pair.before.path)  # as every read does
        seen.append(access.is_closed())
        return []

    monkeypatch.setattr(cluster_block, "_verify_same", lambda source: None)
    monkeypatch.setattr(pipeline, "caption_tiles", reading)
    access.allow(named.pair.before.path)  # as another kind of work has left it
    for job in (local, named, local):
        cluster_block.caption_block(job, np.array([[0, 0]]))
    assert seen == [True, False, True] and access.is_closed()


def test_files_of_the_latest_jobs_stay_open(request_of, monkeypatch):
    """A client that dies never ends its job."""
    monkeypatch.setattr(cluster_block, "_pairs", {})
    request = request_of()
    jobs = [job_of(request) for _ in range(cluster_block.KEPT_JOBS + 1)]
    for job in jobs:
        cluster_block.caption_block(job, np.array([[0, 0]]))
    assert list(cluster_block._pairs) == [job.id for job in jobs[1:]]
    assert [bool(job.pair._idle) for job in jobs] == [False] + [True] * cluster_block.KEPT_JOBS  # open ones, between two reads
    cluster_block.end(jobs[-1].id)
    assert not jobs[-1].pair._idle
    with pytest.raises(Cancelled):
        cluster_block.caption_block(jobs[-1], np.array([[0, 0]]))
    assert jobs[-1].id not in cluster_block._pairs


def test_a_job_that_ends_during_its_block_leaves_no_file_open(request_of, monkeypatch):
    monkeypatch.setattr(cluster_block, "_pairs", {})
    job = job_of(request_of())
    with cluster_block._kept(job) as pair:
        with pair.lent() as lent:
            assert lent.before.dataset
            cluster_block.end(job.id)
            assert lent.before._dataset is not None  # it may be read just now
        assert pair._idle
    assert not pair._idle and lent.before._dataset is None and cluster_block._pairs == {}


def test_addresses_that_are_none(monkeypatch):
    for address in ("localhost:8786", "local:0", "tcp://host", "local:2-x", "http://host:80"):
        with pytest.raises(InputError, match="correct --scheduler"):
            cluster.Workers(address, pipeline.ignore)
    monkeypatch.setattr(cluster, "CONNECT_S", 1.0)
    with pytest.raises(InputError, match="no Dask scheduler answers at tcp://127.0.0.1:1 .*dask scheduler"):
        cluster.Workers("tcp://127.0.0.1:1", pipeline.ignore)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"without Dask.*pip install '\.\[cluster\]'"):
        cluster.Workers("local:2", pipeline.ignore)


@pytest.mark.parametrize(
    ("address", "workers", "adapts"),
    [("local", device.cores(), None), ("local:3", 3, None), ("local:1-4", 1, {"minimum": 1, "maximum": 4})],
)
def test_processes_of_this_computer(monkeypatch, address, workers, adapts):
    made = {}

    class Recorder:
        def __init__(self, **options):
            made.update(options)

        def adapt(self, **options):
            made["adapts"] = options

    monkeypatch.setattr(distributed, "LocalCluster", Recorder)
    cluster._local_cluster(cluster.LOCAL.fullmatch(address))
    assert (made["n_workers"], made["threads_per_worker"], made.get("adapts")) == (workers, 1, adapts)
    assert made["dashboard_address"].startswith("127.0.0.1:")


def test_a_block_that_ends_every_worker():
    with pytest.raises(EngineError, match="ended one worker after another.*smaller --batch.*--resume"), cluster._failures("tcp://x:1"):
        raise distributed.KilledWorker("caption_block-1", SimpleNamespace(address="tcp://y:2"), 3)


def test_what_a_worker_may_not_read_is_not_a_scheduler_that_has_gone():
    with pytest.raises(PermissionError, match="shared weights"), cluster._failures("tcp://x:1"):
        raise PermissionError(13, "shared weights")
    with pytest.raises(EngineError, match="has gone.*start it again"), cluster._failures("tcp://x:1"):
        raise distributed.comm.CommClosedError("closed")
    with pytest.raises(EngineError, match="has gone.*start it again"), cluster._failures("tcp://x:1", OSError):
        raise ConnectionRefusedError("nobody there")


def test_blocks_of_a_resumed_run_are_of_what_is_left(request_of):
    """Of 1,600 tiles all but the last row of 40: two blocks for two threads would be most of them."""
    request, taken = request_of(40, 40), []

    def run_blocks(job, blocks, cancelled):
        taken.extend(len(block) for block in blocks)
        return []

    workers = SimpleNamespace(verify=lambda model: None, _threads=lambda: 2, _run_blocks=run_blocks)
    with pipeline.opened(request, captioner().card) as (pair, grid):
        left = grid.without(TileSet((row, col) for row in range(39) for col in range(40)))
        assert list(cluster.Workers.caption_tiles(workers, request, captioner(), pair, grid, left)) == []
    assert taken == [10, 8, 8, 8, 6]


def sizes(tiles, threads):
    """Of the blocks of a run, down to its last tile."""
    drawn = cluster._block_sizes(tiles, threads)
    return [len(block) for block in cluster._blocks((TileRef(0, i, 0, 256 * i, 256, 256) for i in range(tiles)), drawn)]


def test_blocks_are_of_a_size_that_feeds_all_workers():
    assert next(cluster._block_sizes(10_000_000, 100)) == 128
    assert next(cluster._block_sizes(1000, 10)) == 50
    assert next(cluster._block_sizes(100, 0)) == 50
    assert sizes(16, 2) == [8, 8]


@pytest.mark.parametrize(("tiles", "threads"), [(3000, 2), (100_003, 16), (7, 3)])
def test_blocks_shrink_so_that_workers_end_together_and_none_of_the_tiles_is_left(tiles, threads):
    found = sizes(tiles, threads)
    assert sum(found) == tiles and found == sorted(found, reverse=True)
    assert found[-1] <= 8 and (tiles < 8 or found.count(8) >= threads)


def test_the_command_line_with_processes_of_its_own(request_of, tmp_path, monkeypatch):
    request = request_of(8, 8)
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__PRELOAD", PRELOAD)
    monkeypatch.setenv("FAKE_REGISTRY", str(tmp_path / "registry"))
    alone, spread = tmp_path / "alone.gpkg", tmp_path / "spread.gpkg"
    run(request, alone)
    options = ["caption", request.before, request.after, "--model", fakes.ID, "--tile", 64, "--scheduler", "local:2", "-o", spread]
    process = start(tmp_path, *options, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.communicate(timeout=JOIN_S)
    assert process.returncode == 0, err
    assert "2 Dask workers at local:2; dashboard: http://127.0.0.1:" in err
    assert "64 tiles" in out and "on 2 Dask workers at local:2" in out
    assert table(alone) == table(spread)
