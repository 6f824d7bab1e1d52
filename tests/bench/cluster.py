"""What a Dask cluster gains and costs on this computer, which should be doing nothing else.

    python -m tests.bench.cluster speed        two worker processes of one thread against one process of one thread, the bundled model
    python -m tests.bench.cluster overhead     blocks that do nothing but sleep for a known time: what Dask adds to them

Each process of ``speed`` has one core (client and scheduler take what they need of either), so that the one process's reading thread
is no second core; the models are loaded and warm before the clock starts. Beside them as many processes that know nothing of each other, each
with all of the tiles on a core of its own, at once: what the computer has for them, whatever spreads the work.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from unittest import mock

import numpy as np

from engine.contract.request import CaptionRequest
from engine.contract.tiles import Caption, TileCaption
from engine.demo import write_sample
from engine.geo.grid import TileGrid
from engine.models.captioner import Captioner
from engine.run import cluster, cluster_block, pipeline

from .areas import SAMPLE_TILES, mosaic

ROOT = Path(__file__).resolve().parents[2]
COST_S = "BENCH_BLOCK_S"
WARM_TILES = 40


def pin(core: int) -> None:
    os.sched_setaffinity(0, {core})


def run(request: CaptionRequest, output: Path, captioner: Captioner, caption: pipeline.Executor) -> float:
    """Tiles a second of a run that writes its output anew."""
    output.unlink(missing_ok=True)
    return pipeline.run(request, str(output), captioner=captioner, caption=caption).tiles_per_s


def speed_of(folder: Path, workers: int, core: int) -> float:
    """Tiles a second of one process on ``core`` (0 workers), or of a local cluster; after a first run that warms up."""
    warm, large = (CaptionRequest(*(str(folder / f"{date}_{name}.vrt") for date in ("before", "after"))) for name in ("warm", "large"))
    captioner = pipeline.load_captioner(warm)
    if not workers:
        pin(core)
        run(warm, folder / f"warm_0_{core}.gpkg", captioner, pipeline.caption_tiles)
        return run(large, folder / f"large_0_{core}.gpkg", captioner, pipeline.caption_tiles)
    with cluster.Workers(f"local:{workers}", pipeline.ignore) as cluster_workers:
        for number, address in enumerate(cluster_workers.client.nthreads()):
            cluster_workers.client.run(pin, number % (os.cpu_count() or 1), workers=[address])
        run(warm, folder / f"warm_{workers}.gpkg", captioner, cluster_workers.caption_tiles)
        return run(large, folder / f"large_{workers}.gpkg", captioner, cluster_workers.caption_tiles)


def attributes(path: Path) -> set:
    """Rows of an output, without their number and seconds."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT * FROM change_captions")
        kept = [i for i, column in enumerate(rows.description) if column[0] not in ("fid", "seconds")]
        return {tuple(row[i] for i in kept) for row in rows}


def speed(tiles: int, workers: int, rounds: int) -> dict:
    """All three speeds in turn, medians of ``rounds``, each in a process of its own with one thread for PyTorch."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sample(folder)
        for size, count in (("warm", WARM_TILES), ("large", tiles)):
            for date in ("before", "after"):
                mosaic(folder / f"{date}.tif", folder / f"{date}_{size}.vrt", [i % SAMPLE_TILES for i in range(count)])
        measured = []
        for _ in range(rounds):
            one, *apart, together = *speeds(folder, 0, [0]), *speeds(folder, 0, list(range(workers))), *speeds(folder, workers, [0])
            measured.append((one, sum(apart), together))
        rows = [attributes(folder / name) for name in ("large_0_0.gpkg", f"large_{workers}.gpkg")]
    one, apart, together = (statistics.median(column) for column in zip(*measured))
    return {
        "tiles": tiles,
        "rounds": [[round(value, 2) for value in row] for row in measured],
        "rows_that_differ": len(rows[0] ^ rows[1]),
        "one_process_tiles_per_s": round(one, 2),
        f"{workers}_workers_tiles_per_s": round(together, 2),
        f"{workers}_unconnected_processes_tiles_per_s": round(apart, 2),
        "times": round(together / one, 3),
        "times_unconnected": round(apart / one, 3),
    }


def speeds(folder: Path, workers: int, cores: list[int]) -> list[float]:
    """Tiles a second of processes that run at once, one a core of ``cores``, each with one thread for PyTorch."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.bench.cluster", "speed-of", "--folder", str(folder), "--workers", str(workers), "--core"]
    running = [subprocess.Popen([*command, str(core)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) for core in cores]
    told = [process.communicate()[0] for process in running]
    if any(process.returncode for process in running):
        raise RuntimeError(f"a measured process failed: {told}")
    return [float(number) for number in told]


def sleeping_block(job: cluster_block.Job, cells: np.ndarray) -> tuple[list[TileCaption], list[dict]]:
    """Takes the place of ``caption_block``: the same arguments and results, a known time."""
    caption = Caption("many houses are built along the road", True, 0.9, ("building", "road"), ("vegetation",), (), 0.8)
    refs = [job.grid.ref(row, col) for row, col in cells.tolist()]
    time.sleep(float(os.environ[COST_S]))
    return [TileCaption(ref, caption, 1.0, 1.0, job.request.model, "captioned", 0.01, job.grid.footprint(ref)) for ref in refs], []


def overhead(blocks: int, cost_s: float, workers: int) -> dict:
    """Time of blocks that sleep, over the time that they sleep."""
    os.environ[COST_S] = str(cost_s)
    with tempfile.TemporaryDirectory() as name:
        before, after = write_sample(Path(name))
        request = CaptionRequest(str(before), str(after))
        captioner = pipeline.load_captioner(request)
        with pipeline.opened(request, captioner.card) as (pair, _), cluster.Workers(f"local:{workers}", pipeline.ignore) as cluster_workers:
            size = cluster.MAX_BLOCK_TILES
            grid = TileGrid(256 * blocks, 256 * size, pair.transform, pair.crs)
            with mock.patch.object(cluster_block, "caption_block", sleeping_block), mock.patch.object(cluster, "MIN_BLOCK_TILES", size):
                small = TileGrid(256 * workers, 256 * size, pair.transform, pair.crs)
                list(cluster_workers.caption_tiles(request, captioner, pair, small, small))  # imports
                start_s, cpu_s = time.perf_counter(), time.process_time()
                tiles = sum(1 for _ in cluster_workers.caption_tiles(request, captioner, pair, grid, grid))
                elapsed_s, cpu_s = time.perf_counter() - start_s, time.process_time() - cpu_s
    assert tiles == blocks * size
    asleep_s = blocks * cost_s / workers
    return {
        "blocks": blocks,
        "tiles": tiles,
        "workers": workers,
        "block_s": cost_s,
        "seconds": round(elapsed_s, 1),
        "asleep_s": round(asleep_s, 1),
        "overhead": round(elapsed_s / asleep_s - 1, 4),
        "client_and_scheduler_cpu_ms_a_block": round(1000 * cpu_s / blocks, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "overhead", "speed-of"))
    parser.add_argument("--tiles", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, help="default: 2 for speed, 8 for overhead")
    parser.add_argument("--blocks", type=int, default=10_000)
    parser.add_argument("--block-s", type=float, default=0.5, help="how long a block sleeps; 128 tiles take a core five seconds")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--core", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.what == "speed-of":
        print(speed_of(args.folder, args.workers, args.core))
    else:
        found = speed(args.tiles, args.workers or 2, args.rounds) if args.what == "speed" else overhead(args.blocks, args.block_s, args.workers or 8)
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
