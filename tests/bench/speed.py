"""Every figure of docs/speed.md, measured in one run of about ten minutes on a computer that should be doing nothing else.

    python -m tests.bench.speed                               writes docs/speed.md, docs/speed.json and docs/speed.png
    python -m tests.bench.speed --growth 1000 100000          only time and memory of larger areas, put into the same files; with scribe-s-quick,
                                                              which takes a quarter of the hour

Things that are compared run in turn in one process, several times over; ratios are medians of the rounds' own ratios. Areas are made of the
tiles of the drawn sample, of which 8 of 20 have changed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from engine import registry
from engine.contract.request import DEFAULT_MODEL, CaptionRequest
from engine.demo import write_sample
from engine.evaluation.pairs import Pair, read_pairs
from engine.models import device
from engine.models.captioner import Captioner
from engine.models.efficientnet import EfficientNetLite
from engine.models.onednn import FusedConv
from engine.models.scribe import CACHED_PAIRS, ScribeCaptioner
from engine.run import lanes, pipeline
from engine.run.reading import ReadTile, TileBatch

from . import yardsticks
from .areas import FORMATS, SAMPLE_TILES, mixed, repeated, stored, write_area, write_pairs
from .meter import Timing, alternated
from .processes import growth, lanes_of, worker_times
from .speed_page import write_page

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "speed"
PHOTOGRAPHS = ROOT.parent / "shared" / "data" / "levir_cc"
QUICK = "scribe-s-quick"
MODELS = (DEFAULT_MODEL, QUICK, "kd-rscc", "diffusion-rscc")
BATCHES = (1, 2, 4, 8, 16, 32, 48)
SWEPT_TILES = 96
BLOCK_TILES = 1000
RIVAL_PAIRS = 8
MOST = 0.95  # share of changed tiles of a change-heavy area
SHARES = (1 - MOST, 0.4, MOST)


class Bench:
    """The model, the tiles of the drawn sample, or of photographs, in memory, and areas of them on the disk."""

    def __init__(self, folder: Path, rounds: int, tiles: int, photographs: Sequence[Pair] = ()):
        self.folder, self.rounds, self.tiles = folder, rounds, tiles
        folder.mkdir(exist_ok=True)
        count = write_pairs(folder, photographs) if photographs else SAMPLE_TILES
        if not photographs:
            write_sample(folder)
        self.captioner = registry.load(DEFAULT_MODEL)
        assert isinstance(self.captioner, ScribeCaptioner)
        self.sample = write_area(folder, "sample", range(count))
        with pipeline.opened(self.sample, self.captioner.card) as (pair, grid):
            self.refs = list(grid)
            self.pixels = [pair.read(ref)[:2] for ref in self.refs]
        found = [caption for _, caption, _ in lanes.captioned(self.sample, self.captioner, self.batches(range(count), 8))]
        self.changed = [i for i, caption in enumerate(found) if caption and caption.changed]
        self.unchanged = [i for i in range(count) if i not in self.changed]

    def picks(self, share: float, tiles: int) -> list[int]:
        return mixed(self.changed, self.unchanged, share, tiles)

    def area(self, share: float, tiles: int) -> CaptionRequest:
        """A raster of VRTs; one of many thousand tiles is one of a thousand many times."""
        if tiles > BLOCK_TILES:
            assert tiles % BLOCK_TILES == 0, f"{tiles} tiles: a multiple of {BLOCK_TILES}"
            return repeated(self.area(share, BLOCK_TILES), tiles // BLOCK_TILES)
        return write_area(self.folder, f"{round(100 * share)}_{tiles}", self.picks(share, tiles))

    def batches(self, picks, size: int) -> list[TileBatch]:
        """Batches of the sample's tiles as the reading thread makes them."""
        picks, made = list(picks), []
        for start in range(0, len(picks), size):
            part = picks[start : start + size]
            before, after = (torch.stack([torch.from_numpy(self.pixels[i][date]) for i in part]).numpy() for date in (0, 1))
            refs = [self.refs[0].__class__(0, start + n, 0, 0, 256, 256) for n in range(len(part))]
            made.append(TileBatch([ReadTile(ref, 1.0, 1.0) for ref in refs], before, after))
        return made

    def engine_alone(self, share: float, captioner: Captioner | None = None, tiles: int | None = None, size: int | None = None) -> Callable[[], int]:
        """The model's lanes fed with tiles in memory."""
        model = captioner or self.captioner
        batches = self.batches(self.picks(share, tiles or self.tiles), size or lanes.batch_size(model))
        return lambda: sum(1 for _ in lanes.captioned(self.sample, model, batches))

    def end_to_end(self, request: CaptionRequest, captioner: Captioner | None = None) -> Callable[[], int]:
        """Rasters to GeoPackage, in this process."""

        def run() -> int:
            output = self.folder / "out.gpkg"
            output.unlink(missing_ok=True)
            return pipeline.run(request, str(output), captioner=captioner or self.captioner).done

        return run


def rates(timings: dict[str, Timing]) -> dict:
    return {name: timing.to_json() for name, timing in timings.items()}


def against_resnet(bench: Bench) -> dict:
    """The engine beside ResNet-101 to layer3 on both images, in fp32 and bf16, and beside the machine's matrix products."""
    torch.manual_seed(0)
    images = torch.randint(0, 256, (2 * RIVAL_PAIRS, 3, 256, 256), dtype=torch.uint8)
    alone, nothing = bench.engine_alone(0.4), bench.engine_alone(0.0)
    products = {"product fp32": yardsticks.product(torch.float32), "product bf16": yardsticks.product(torch.bfloat16)}
    timings = alternated(
        bench.rounds,
        {
            "resnet fp32": yardsticks.encode_pairs(yardsticks.resnet(torch.float32), images.float() / 255),
            "engine": alone,
            "resnet bf16": yardsticks.encode_pairs(yardsticks.resnet(torch.bfloat16), images.float() / 255),
            "engine, nothing changed": nothing,
            **products,
        },
    )
    found = {name: timing for name, timing in timings.items() if name not in products}
    return {
        "rates": rates(found),
        "gflops": {name.split()[1]: round(timings[name].per_s / 1e9, 1) for name in products},
        "times_resnet_fp32": _ratio(timings["engine"], timings["resnet fp32"]),
        "times_resnet_bf16": _ratio(timings["engine"], timings["resnet bf16"]),
        "nothing_changed_times_resnet_fp32": _ratio(timings["engine, nothing changed"], timings["resnet fp32"]),
        "nothing_changed_times_resnet_bf16": _ratio(timings["engine, nothing changed"], timings["resnet bf16"]),
    }


def _ratio(one: Timing, other: Timing) -> dict:
    return {"clock": round(one.times_as_fast_as(other), 2), "processor": round(one.cpu_times_as_fast_as(other), 2)}


def formats(bench: Bench) -> dict:
    """The whole way for every way to store a raster, and raw reading, against the engine alone on the same tiles, nearly all of them changed."""
    area = bench.area(MOST, bench.tiles)
    runs: dict[str, Callable[[], int]] = {"engine alone": bench.engine_alone(MOST)}
    for kind in FORMATS:
        request = stored(bench.folder, area, kind)
        runs[kind] = bench.end_to_end(request)
        if kind == "tiled, deflate":
            with pipeline.opened(request, bench.captioner.card) as (pair, grid):
                raw = yardsticks.raw_reading(pair, list(grid))
    runs["raw reading"] = raw
    timings = alternated(bench.rounds, runs, warm=True)  # the model has run, and the files have just been written
    share = {kind: _ratio(timings[kind], timings["engine alone"]) for kind in FORMATS}
    return {"rates": rates(timings), "share_of_engine_alone": share}


def shares(bench: Bench) -> dict:
    """The whole way over areas with more and with less change, with scribe-s and with scribe-s-quick; against scribe-s where most has changed."""
    runs = {f"{share:.0%}": bench.end_to_end(bench.area(share, bench.tiles)) for share in SHARES}
    quick = registry.load(QUICK)
    runs |= {f"{share:.0%}, {QUICK}": bench.end_to_end(bench.area(share, bench.tiles), quick) for share in (SHARES[0], SHARES[-1])}
    timings = alternated(bench.rounds, runs, warm=True)
    most = timings[f"{MOST:.0%}"]
    return {"rates": rates(timings), "times_of_95%": {name: _ratio(timing, most) for name, timing in timings.items() if timing is not most}}


def models(bench: Bench) -> dict:
    """Every model in the repository, engine alone, half of the tiles changed."""
    runs = {}
    for name in MODELS:
        model = registry.load(name)
        runs[name] = bench.engine_alone(0.5, model, tiles=96 if name == DEFAULT_MODEL else 32)
    return {"rates": rates(alternated(2, runs))}


def batch_sweep(bench: Bench) -> dict:
    return {"rates": rates(alternated(2, {str(size): bench.engine_alone(0.4, tiles=SWEPT_TILES, size=size) for size in BATCHES}))}


def encoder_profile(bench: Bench) -> dict:
    """Where the encoder's time goes, on one thread: by kind of convolution, against matrix products on one thread in the same precision."""
    model = bench.captioner
    encoder, precision = model.encoder, model.precision
    images = torch.from_numpy(bench.batches(range(2 * CACHED_PAIRS), 2 * CACHED_PAIRS)[0].before)
    flops = yardsticks.flops_a_pair(EfficientNetLite(model.net.config.encoder).eval(), images)
    threads = device.cpu_threads()
    torch.set_num_threads(1)
    product, count, begun_s = yardsticks.product(precision), 0, 0.0
    with torch.inference_mode():
        encoder(images)
        watch = yardsticks.Stopwatch(encoder, _kind)
        begun_s = time.thread_time()
        for _ in range(10):
            encoder(images)
            count += len(images) // 2
        pair_s = (time.thread_time() - begun_s) / count
        watch.close()
        product()
        begun_s = time.thread_time()
        product_per_s = product() / (time.thread_time() - begun_s)
    torch.set_num_threads(threads)
    parts = {name: round(1000 * seconds / count, 2) for name, seconds in watch.seconds.items()}
    parts["everything else"] = round(1000 * pair_s - sum(parts.values()), 2)
    return {
        "precision": str(precision).removeprefix("torch."),
        "gflop_a_pair": round(flops / 1e9, 2),
        "ms_a_pair": round(1000 * pair_s, 2),
        "gflops": round(flops / pair_s / 1e9, 1),
        "product_gflops": round(product_per_s / 1e9, 1),
        "share_of_product": round(flops / pair_s / product_per_s, 3),
        "ms_by_kind": parts,
    }


def _kind(module: torch.nn.Module) -> str | None:
    if not isinstance(module, FusedConv):
        return None
    if module.geometry[3] > 1:
        return "depthwise"
    return "1×1" if module.weight.shape[2] == 1 else "stem"


def machine() -> dict:
    name = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    load = os.getloadavg() if hasattr(os, "getloadavg") else None
    return {
        "processor": name,
        "cores": device.cores(),
        "threads": device.cpu_threads(),
        "bf16": device.cpu_has_bf16(),
        "load_before": load and round(load[0], 1),
        "torch": torch.__version__,
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def measure(folder: Path, rounds: int, tiles: int, sizes: list[int]) -> dict:
    """All figures; what runs in processes of its own comes last, when this one's threads are asleep."""
    found: dict = {"machine": machine(), "rounds": rounds, "tiles": tiles}
    start_s = time.perf_counter()
    bench = Bench(folder, rounds, tiles)
    steps: dict[str, Callable[[], dict | list]] = {
        "resnet": lambda: against_resnet(bench),
        "formats": lambda: formats(bench),
        "shares": lambda: shares(bench),
        "real": lambda: shares(Bench(folder / "real", rounds, tiles, read_pairs(PHOTOGRAPHS, "val"))) if PHOTOGRAPHS.is_dir() else {},
        "models": lambda: models(bench),
        "batches": lambda: batch_sweep(bench),
        "encoder": lambda: encoder_profile(bench),
        "lanes": lambda: lanes_of(folder, bench.area(0.4, tiles)),
        "worker": lambda: worker_times(bench.sample, bench.refs, bench.folder),
        "growth": lambda: growth(folder, {size: bench.area(0.4, size) for size in sizes}),
    }
    for name, step in steps.items():
        found[name] = step()
        print(f"{time.perf_counter() - start_s:6.0f} s  {name}: {json.dumps(found[name], ensure_ascii=False)}", file=sys.stderr, flush=True)
    return found | {"seconds": round(time.perf_counter() - start_s)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="of whatever is compared")
    parser.add_argument("--tiles", type=int, default=600, help="of the areas that are compared")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000], help="areas whose time and memory are compared")
    parser.add_argument("--growth", type=int, nargs="+", help="only this: areas of so many thousand tiles, each in a process of its own")
    parser.add_argument("--out", type=Path, default=OUT, help="written with the endings .md, .json and .png")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.growth:
            bench, load = Bench(folder, 1, SAMPLE_TILES), machine()["load_before"]
            rows = growth(folder, {size: bench.area(SHARES[0], size) for size in args.growth}, QUICK)
            found = json.loads(args.out.with_suffix(".json").read_text("utf-8")) | {"large": rows, "large_load_before": load}
        else:
            found = measure(folder, args.rounds, args.tiles, args.sizes)
    args.out.with_suffix(".json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")
    write_page(args.out, found)


if __name__ == "__main__":
    main()
