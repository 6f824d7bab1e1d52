"""A run over millions of tiles: time, memory, size of the output, and how soon it resumes.

    python -m tests.bench.large --tiles 10000000

What is real: the area (a drawn country's outline of 20,000 points), the grid, the pipeline with its reading thread, the GeoPackages, resuming.
What is not: pixels and captions. `RasterPair.read` gives one of a hundred tiles in memory, and the captioner answers at once, so the time is
that of everything around reading and the model. A tile is 64 pixels of 2 m, which stand for 256 of 0.5 m: the same ground, less to copy.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import fiona
import numpy as np
import rasterio
import torch
from affine import Affine

from engine.contract.request import CaptionRequest
from engine.geo.pair import RasterPair
from engine.models.captioner import Captioner, Encoded, ModelCard
from engine.output.parts import PART_TILES
from engine.run import pipeline

ROOT = Path(__file__).resolve().parents[2]
CRS, LEFT_M, TOP_M, GSD_M, TILE_PX = "EPSG:3035", 3_500_000, 3_600_000, 2.0, 64
CHANGED = 0.35  # share of the tiles; those have longer rows
BATCH = 256
TEXTS = (
    "many houses are built along the road",
    "a large building with a parking lot replaces the bareland",
    "the trees are removed and a road is built",
)
CLASSES = ((("building", "road"), ("vegetation",), ()), (("building", "parking"), ("bareland",), ()), (("road",), ("vegetation",), ()))


class Instant(Captioner):
    """Answers from the first pixel of the before tile."""

    def __init__(self) -> None:
        self.card = ModelCard("scribe-s", "instant", input_px=TILE_PX, gsd_m=GSD_M)
        self.device = torch.device("cpu")

    @classmethod
    def from_checkpoint(cls, path: str, device: str = "cpu") -> Instant:
        return cls()

    def encode(self, before: torch.Tensor, after: torch.Tensor) -> Encoded:
        kinds = before[:, 0, 0, 0].tolist()
        return Encoded(np.array(kinds, np.float32) / 100, [CLASSES[kind % 3] for kind in kinds], kinds)

    def generate(self, state: list, index: torch.Tensor, options: object, seeds: object) -> list[tuple[str, float]]:
        return [(TEXTS[state[i] % 3], 0.8123) for i in index.tolist()]


# A hundred tiles whose pixels are their change score in percent; the threshold is 50.
TILES = [np.full((3, TILE_PX, TILE_PX), np.clip(50 + i - 100 * (1 - CHANGED), 0, 100), np.uint8) for i in range(100)]
VALID = np.ones((TILE_PX, TILE_PX), bool)
ORDER = np.random.default_rng(0).permutation(100)


def read(pair: RasterPair, window: object) -> tuple:
    """A tile from memory; what is not a tile is read from the raster."""
    if window.height != TILE_PX or window.width != TILE_PX:
        return REAL_READ(pair, window)
    tile = TILES[ORDER[(window.row * 7919 + window.col) % 100]]
    return tile, tile, VALID, VALID


REAL_READ = RasterPair.read


def write_site(folder: Path, tiles: int) -> CaptionRequest:
    """Two rasters that repeat one small picture, and a country's outline that covers about so many of their tiles."""
    side = int((tiles / 0.64) ** 0.5)
    size = side * TILE_PX
    rng = np.random.default_rng(1)
    for date in ("before", "after"):
        with rasterio.open(folder / f"{date}.tif", "w", driver="GTiff", width=512, height=512, count=3, dtype="uint8") as raster:
            raster.write(rng.integers(1, 255, (3, 512, 512), dtype=np.uint8))
        rect = f'xOff="0" yOff="0" xSize="{size}" ySize="{size}"'
        bands = "".join(
            f'<VRTRasterBand dataType="Byte" band="{band}"><SimpleSource><SourceFilename relativeToVRT="1">{date}.tif</SourceFilename>'
            f'<SourceBand>{band}</SourceBand><SrcRect xOff="0" yOff="0" xSize="512" ySize="512"/><DstRect {rect}/></SimpleSource>'
            "</VRTRasterBand>"
            for band in (1, 2, 3)
        )
        transform = f"{LEFT_M}, {GSD_M}, 0, {TOP_M}, 0, {-GSD_M}"
        (folder / f"{date}.vrt").write_text(
            f'<VRTDataset rasterXSize="{size}" rasterYSize="{size}"><SRS>{CRS}</SRS><GeoTransform>{transform}</GeoTransform>{bands}</VRTDataset>'
        )
    angle = np.linspace(0, 2 * np.pi, 20_000)
    radius = size * GSD_M / 2 * (0.9 + 0.09 * np.sin(7 * angle) + 0.01 * np.sin(611 * angle))
    to_map = Affine.translation(LEFT_M + size * GSD_M / 2, TOP_M - size * GSD_M / 2)
    ring = [to_map * (float(r * np.cos(a)), float(r * np.sin(a))) for r, a in zip(radius, angle)]
    schema = {"geometry": "Polygon", "properties": {}}
    with fiona.open(folder / "country.gpkg", "w", driver="GPKG", schema=schema, crs=CRS) as layer:
        layer.write({"geometry": {"type": "Polygon", "coordinates": [[*ring[:-1], ring[0]]]}, "properties": {}})
    return CaptionRequest(
        str(folder / "before.vrt"), str(folder / "after.vrt"), aoi=str(folder / "country.gpkg"), tile_px=TILE_PX, batch_size=BATCH, device="cpu"
    )


def resident_mb() -> float:
    """Memory of this process now, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


class Watch:
    """Takes the run's events: memory and speed at every tenth of the tiles, on stderr and in ``memory_mb``."""

    def __init__(self) -> None:
        self.start_s, self.begun_s, self.memory_mb = time.perf_counter(), None, []

    def __call__(self, event: dict) -> None:
        if event["type"] != "progress":
            return
        if self.begun_s is None:
            self.begun_s = time.perf_counter() - self.start_s
        if event["done"] >= len(self.memory_mb) * event["total"] / 10:
            self.memory_mb.append(round(resident_mb()))
            print(f"{event['done']} tiles, {event['tiles_per_s']} tiles/s, {self.memory_mb[-1]} MB", file=sys.stderr, flush=True)


def run(request: CaptionRequest, output: Path, part_tiles: int) -> dict:
    """One run, in this process; resumes where there is something to resume."""
    watch = Watch()
    start_s, cpu_s = time.perf_counter(), time.process_time()
    with mock.patch.object(RasterPair, "read", read):
        summary = pipeline.run(request, str(output), True, Instant(), watch, part_tiles=part_tiles)
    return {
        "tiles": summary.total,
        "resumed": summary.resumed,
        "begins_after_s": round(watch.begun_s or 0, 1),
        "seconds": round(time.perf_counter() - start_s, 1),
        "cpu_s": round(time.process_time() - cpu_s, 1),
        "memory_mb_at_each_tenth": watch.memory_mb,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
    }


def in_process(folder: Path, part_tiles: int) -> dict:
    command = [sys.executable, "-m", "tests.bench.large", "--child", str(folder), "--part-tiles", str(part_tiles)]
    return json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiles", type=int, default=1_000_000)
    parser.add_argument("--part-tiles", type=int, default=PART_TILES)
    parser.add_argument("--folder", type=Path, help="keep the output here; a run that was killed is continued")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        request = CaptionRequest(**json.loads((args.child / "request.json").read_text()))
        print(json.dumps(run(request, args.child / "out.gpkg", args.part_tiles)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = args.folder or Path(name)
        folder.mkdir(exist_ok=True)
        if not (folder / "request.json").exists():
            request = write_site(folder, args.tiles)
            (folder / "request.json").write_text(json.dumps({key: value for key, value in request.to_json().items() if value is not None}))
        figures = {"run": in_process(folder, args.part_tiles), "resume": in_process(folder, args.part_tiles)}
        files = sorted(folder.glob("out*.gpkg"))
        size = sum(path.stat().st_size for path in files)
        figures |= {"files": len(files), "output_mb": round(size / 1e6), "bytes_a_tile": round(size / figures["run"]["tiles"])}
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
