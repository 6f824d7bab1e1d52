"""Captioning on a real Dask cluster: a scheduler and worker processes on this computer, killed, joined late, and unlike the client."""

import os
import signal
import sqlite3
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from cluster_runs import JOIN_S, PRELOAD, Dask, captioner, run
from rasterio.windows import Window
from runs import TILE_PX, count, table

from engine import registry
from engine.cli import main
from engine.contract.errors import Cancelled, EngineError, InputError, ModelError, RasterError
from engine.contract.heatmap import HeatmapOutput
from engine.contract.tiles import TileRef
from engine.geo import access
from engine.geo.tileset import TileSet
from engine.run import cluster, cluster_block, pipeline

import fakes

distributed = pytest.importorskip("distributed", reason="no Dask: pip install '.[cluster]'")


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    made = Dask(tmp_path_factory.mktemp("dask"), "--preload", PRELOAD)
    yield made
    made.end(made.processes)


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
    assert len(most) == 6 and max(most) <= 2  # 144 tiles, one thread: blocks of 72 and fewer


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


def caption(output, *options):
    """Run the command line, with rasters of the present folder, which is not the workers'; return its exit code."""
    return main(["caption", "before.tif", "after.tif", "--model", fakes.ID, "--tile", str(TILE_PX), "-o", str(output), *options])


def test_the_command_line_with_a_scheduler(dask, request_of, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    request_of(8, 8)
    with dask.workers(1):
        assert caption("alone.gpkg") == 0
        capsys.readouterr()
        assert caption("spread.gpkg", "--scheduler", dask.address) == 0
    shown = capsys.readouterr()
    assert f"1 Dask workers at {dask.address}; dashboard: " in shown.err
    assert "64 tiles" in shown.out and f"on 1 Dask workers at {dask.address}" in shown.out
    assert table("alone.gpkg") == table("spread.gpkg")


def test_a_tile_that_ends_every_worker(request_of, tmp_path, monkeypatch, capsys):
    """They are gone without a word, as if killed for their memory; --resume where that does not happen captions what is left."""
    monkeypatch.chdir(tmp_path)
    with rasterio.open(request_of(8, 8).before, "r+") as raster:
        raster.write(np.full((3, 1, 1), 7, np.uint8), window=Window(7 * TILE_PX, 7 * TILE_PX, 1, 1))
    deadly = Dask(tmp_path, "--preload", PRELOAD, FAKE_EXIT_AT="7", DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="1")
    try:
        with deadly.workers(2) as (_, processes):
            assert caption("spread.gpkg", "--scheduler", deadly.address) == EngineError.exit_code == 4
            shown = capsys.readouterr().err
            assert "a block of tiles ended one worker after another (KilledWorker: " in shown and "--resume" in shown
            assert [process.wait(JOIN_S) for process in processes] == [fakes.EXIT_CODE, fakes.EXIT_CODE]
            assert count("spread.gpkg") < 64
            assert [caption("spread.gpkg", "--resume"), caption("alone.gpkg")] == [0, 0]
    finally:
        deadly.end(deadly.processes)
    assert table("alone.gpkg") == table("spread.gpkg")


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


def test_a_result_that_was_lost_with_its_worker_is_waited_for_without_holding_up_the_others(dask, request_of, tmp_path, monkeypatch):
    """A block's result does not come although the block is done; the run takes the others, and that one when it comes."""
    monkeypatch.setattr(cluster, "RESULT_S", 0.2)
    lost = []

    def without_first(future, timeout):
        lost.append(future.key)
        if lost.count(lost[0]) < 4 and future.key == lost[0]:
            raise TimeoutError
        return result(future, timeout)

    result = distributed.Future.result
    monkeypatch.setattr(distributed.Future, "result", without_first)
    with dask.workers(1) as (workers, _):
        run(request_of(8, 8), tmp_path / "spread.gpkg", workers)
    run(request_of(8, 8), tmp_path / "alone.gpkg")
    assert lost.count(lost[0]) == 4 and table(tmp_path / "spread.gpkg") == table(tmp_path / "alone.gpkg")
