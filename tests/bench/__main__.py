"""``make bench``: throughput, latency and memory of captioning on this machine, on the drawn sample repeated into large areas.

    python -m tests.bench --tiles 100 1000 10000

The areas are virtual mosaics (VRT) of the sample, so that 10,000 tiles need no disk; about a third of their tiles has changed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from engine import lanes, pipeline
from engine.captioner import Captioner, CaptionOptions
from engine.demo import CRS, GSD_M, LEFT_M, TOP_M, write_sample
from engine.demo_scene import HEIGHT_PX, WIDTH_PX
from engine.geo.grid import TileGrid
from engine.geo.pair import RasterPair
from engine.schema import CaptionRequest, TileRef

SAMPLE_TILES = 20
ROOT = Path(__file__).resolve().parents[2]


def mosaic(source: Path, target: Path, repeats: int) -> None:
    """Write a VRT of ``repeats`` copies of the sample side by side, in rows of 25."""
    across = min(25, repeats)
    down = -(-repeats // across)
    places = [(i % across * WIDTH_PX, i // across * HEIGHT_PX) for i in range(repeats)]
    bands = []
    for band, colour in enumerate(("Red", "Green", "Blue"), 1):
        sources = "".join(
            f'<SimpleSource><SourceFilename relativeToVRT="1">{source.name}</SourceFilename><SourceBand>{band}</SourceBand>'
            f'<SrcRect xOff="0" yOff="0" xSize="{WIDTH_PX}" ySize="{HEIGHT_PX}"/>'
            f'<DstRect xOff="{x}" yOff="{y}" xSize="{WIDTH_PX}" ySize="{HEIGHT_PX}"/></SimpleSource>'
            for x, y in places
        )
        bands.append(f'<VRTRasterBand dataType="Byte" band="{band}"><ColorInterp>{colour}</ColorInterp>{sources}</VRTRasterBand>')
    size = f'rasterXSize="{across * WIDTH_PX}" rasterYSize="{down * HEIGHT_PX}"'
    transform = f"{LEFT_M}, {GSD_M}, 0, {TOP_M}, 0, {-GSD_M}"
    target.write_text(f"<VRTDataset {size}><SRS>{CRS}</SRS><GeoTransform>{transform}</GeoTransform>{''.join(bands)}</VRTDataset>")


def run_area(folder: Path, tiles: int) -> dict:
    """Caption an area in a process of its own: tiles, seconds, tiles a second, and the process's largest resident memory (MB)."""
    before, after = folder / f"before_{tiles}.vrt", folder / f"after_{tiles}.vrt"
    for date, path in (("before.tif", before), ("after.tif", after)):
        mosaic(folder / date, path, max(1, round(tiles / SAMPLE_TILES)))
    output = folder / f"out_{tiles}.gpkg"
    command = [sys.executable, "-m", "engine", "caption", str(before), str(after), "-o", str(output), "--json"]
    log = folder / "log.jsonl"
    with open(log, "wb") as stream:
        process = subprocess.Popen(command, cwd=ROOT, stdout=stream, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    last = json.loads(log.read_text("utf-8").splitlines()[-1])
    if status:
        raise SystemExit(f"captioning {tiles} tiles failed: {last}")
    result = last["result"]
    return {
        "tiles": result["total"],
        "seconds": round(result["elapsed_s"], 1),
        "tiles_per_s": round(result["tiles_per_s"], 2),
        "changed": result["changed"],
        "max_rss_mb": round(usage.ru_maxrss / 1024),
    }


def cached_tiles_per_s(captioner: Captioner, request: CaptionRequest, rounds: int) -> float:
    """Tiles a second of the model alone, on the sample's tiles in memory and in the pipeline's batch size."""
    with pipeline.opened(request, captioner.card) as (pair, grid):
        read = [pair.read(ref) for ref in grid]
    before, after = (np.stack([tile[i] for tile in read] * rounds) for i in (0, 1))
    batch = lanes.batch_size(captioner)
    captioner.caption(before[:batch], after[:batch])
    start_s = time.perf_counter()
    for i in range(0, len(before), batch):
        captioner.caption(before[i : i + batch], after[i : i + batch], CaptionOptions())
    return len(before) / (time.perf_counter() - start_s)


def click_ms(captioner: Captioner, request: CaptionRequest) -> float:
    """Median time of a click: one tile read and captioned, milliseconds."""
    with pipeline.opened(request, captioner.card) as (pair, grid):
        return 1000 * statistics.median(_time_of_click(captioner, request, pair, grid, ref) for ref in grid)


def _time_of_click(captioner: Captioner, request: CaptionRequest, pair: RasterPair, grid: TileGrid, ref: TileRef) -> float:
    ring = grid.footprint(ref)[:4]
    x, y = (sum(point[i] for point in ring) / 4 for i in (0, 1))
    start_s = time.perf_counter()
    pipeline.caption_at(request, captioner, pair, grid, x, y)
    return time.perf_counter() - start_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiles", type=int, nargs="+", default=[100, 1000], help="sizes of the areas")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before, after = write_sample(folder)
        request = CaptionRequest(str(before), str(after))
        captioner = pipeline.load_captioner(request)
        figures: dict = {"model": captioner.card.id, "device": str(captioner.device), "cores": os.cpu_count()}
        figures["cached_tiles_per_s"] = round(cached_tiles_per_s(captioner, request, 5), 2)
        figures["click_ms"] = round(click_ms(captioner, request), 1)
        figures["areas"] = [run_area(folder, tiles) for tiles in args.tiles]
    print(json.dumps(figures, indent=2))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
