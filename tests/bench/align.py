"""How well ``--align`` recovers known shifts, turns and stretches of real pairs: ``python -m tests.bench.align [DATA] [--json OUT]``.

DATA (default ../shared/data) holds geotiff/ and levir_cc/. A pair is disturbed by its AFTER raster's geotransform alone, so that only the engine
resamples pixels. The truth is that geotransform and the offset that the pair already has as it is (estimated the same way, without the check that
refuses): *recovery* is how far the estimate lies from it, *left* the median offset that is measured after aligning.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from PIL import Image

from engine import registry
from engine.contract.request import CaptionRequest
from engine.geo.matching import align
from engine.geo.matching.alignment import Alignment
from engine.geo.pair import RasterPair
from engine.run import pipeline

PLACES = 12  # mosaics of 4 × 4 LEVIR-CC pairs
SIDE = 4
# Pixels down and right, degrees, and stretch (1: none) about the raster's middle.
DISTURBED = {
    "as it is": (0, 0, 0, 1),
    "3 px": (2.4, -1.8, 0, 1),
    "12 px": (-12, 0, 0, 1),
    "40 px": (24.3, -31.8, 0, 1),
    "0.25°": (0, 0, 0.25, 1),
    "0.5°": (0, 0, -0.5, 1),
    "0.3 %": (0, 0, 0, 1.003),
    "all": (-20.5, 14.2, 0.5, 0.997),
}
SHIFTS = ("as it is", "3 px", "12 px", "40 px")
LIMIT_PX = 0.7


def mosaics(data: Path, folder: Path, most: int = PLACES) -> Iterator[tuple[str, Path, Path]]:
    """Places of LEVIR-CC whose 16 pairs are all there, as GeoTIFFs of 1024 × 1024 pixels at 0.5 m."""
    places: dict[str, list[dict]] = {}
    for row in json.loads((data / "levir_cc" / "pairs.json").read_text("utf-8"))["images"]:
        places.setdefault(row["place"], []).append(row)
    full = sorted(place for place, rows in places.items() if len(rows) == SIDE**2 and all(row["quality"] != "half resolution" for row in rows))
    for place in full[:: max(1, len(full) // max(1, most))][:most]:
        paths = []
        for date in "AB":
            image = np.zeros((3, SIDE * 256, SIDE * 256), np.uint8)
            for row in places[place]:
                top, left = divmod((int(row["filename"].split("_")[1][:6]) - 1) % SIDE**2, SIDE)
                tile = np.array(Image.open(data / "levir_cc" / "images" / row["levir_split"] / date / row["filename"]).convert("RGB"))
                image[:, top * 256 : top * 256 + 256, left * 256 : left * 256 + 256] = np.moveaxis(tile, -1, 0)
            paths.append(folder / f"{place}_{date}.tif")
            write(paths[-1], image, "EPSG:32614", Affine(0.5, 0, 600_000, 0, -0.5, 3_350_000))
        yield f"levir {place}", paths[0], paths[1]


def geotiffs(data: Path) -> Iterator[tuple[str, Path, Path]]:
    """The pairs of geotiff/."""
    root = data / "geotiff"
    for before in sorted((root / "fotbcd").glob("*_before.tif")):
        yield f"fotbcd {before.name[:-11]}", before, before.with_name(before.name.replace("before", "after"))
    for name, before, after in (
        ("landsat nanjing", "landsat_tm/nanjing_2000.tif", "landsat_tm/nanjing_2002.tif"),
        ("landsat taizhou", "landsat_tm/taizhou_2000.tif", "landsat_tm/taizhou_2003.tif"),
        ("naip dakota", "naip_dakota/dakota_2014.tif", "naip_dakota/dakota_2020.tif"),
        ("sentinel-2 tengah", "sentinel2_tengah/tengah_2020.tif", "sentinel2_tengah/tengah_2025.tif"),
        ("sentinel-2 bercy", "sentinel2/bercy_before_B02_B03_B04_B08.tif", "sentinel2/bercy_after_B02_B03_B04_B08.tif"),
    ):
        yield name, root / before, root / after


def write(path: Path, image: np.ndarray, crs: str, transform: Affine) -> None:
    """A GeoTIFF of bytes (bands, h, w)."""
    profile = {"driver": "GTiff", "dtype": "uint8", "count": len(image), "height": image.shape[1], "width": image.shape[2]}
    with rasterio.open(path, "w", **profile, crs=crs, transform=transform) as out:
        out.write(image)


def disturbance(kind: str, height: int, width: int) -> Affine:
    """Where a pixel's ground lies once the AFTER raster is disturbed, in pixels."""
    rows, cols, degrees, scale = DISTURBED[kind]
    middle = Affine.translation(width / 2, height / 2)
    return Affine.translation(cols, rows) * middle * Affine.rotation(degrees) * Affine.scale(scale) * ~middle


def disturbed(after: Path, kind: str, target: Path) -> Path:
    """The AFTER raster with another geotransform."""
    with rasterio.open(after) as source:
        profile, pixels, colours = source.profile, source.read(), source.colorinterp
        profile["transform"] = source.transform * disturbance(kind, source.height, source.width)
    with rasterio.open(target, "w", **profile) as out:
        out.colorinterp = colours
        out.write(pixels)
    return target


def forced(pair: RasterPair, method: str) -> Alignment | None:
    """The estimate without the check that may refuse it."""
    kept = align._guarded
    align._guarded = lambda pair, found: found
    try:
        return align.estimate(pair, method)
    finally:
        align._guarded = kept


def measure(before: Path, after: Path, folder: Path, method: str) -> list[dict]:
    """One row a disturbance."""
    rows: list[dict] = []
    base = None
    for kind in DISTURBED if method == "local" else SHIFTS:
        target = disturbed(after, kind, folder / "disturbed.tif")
        with RasterPair.open(CaptionRequest(str(before), str(target)), 0.5) as pair:
            start_s = time.process_time()
            found = align.estimate(pair, method)
            elapsed_s = time.process_time() - start_s
            if kind == "as it is":
                base = forced(pair, method)
            area = pair.overlap_window()
            with rasterio.open(after) as source:
                # The AFTER raster's own pixels may differ from the grid's.
                to_own = ~source.transform * pair.transform if source.crs == pair.crs else Affine.identity()
                moves = ~to_own * disturbance(kind, source.height, source.width) * to_own
            steps = np.linspace(0.05, 0.95, 9)
            cols, rows_ = (v.ravel() for v in np.meshgrid(area.col_off + steps * area.width, area.row_off + steps * area.height))
            truth = moves * (base.place(cols, rows_) if base is not None and base.applied else (cols, rows_))
            plain = moves * (cols, rows_)
            at = found.place(cols, rows_) if found.applied else (cols, rows_)
            off, off_plain = (np.hypot(at[0] - t[0], at[1] - t[1]) for t in (truth, plain))
        rows.append(
            {
                "disturbed": kind,
                "applied": found.applied,
                "recovery_px": round(float(np.median(off)), 2),
                "recovery_p90_px": round(float(np.percentile(off, 90)), 2),
                "off_known_px": round(float(np.median(off_plain)), 2),
                "left_px": found.residual_px,
                "agreement": [found.agreement_before, found.agreement_after],
                "windows": found.windows,
                "field": found.field is not None,
                "reason": found.reason,
                "seconds": round(elapsed_s, 2),
            }
        )
    return rows


def same_captions(data: Path, folder: Path, most: int, model: str) -> dict:
    """Whether pairs moved by 12 pixels and aligned get the captions of the pairs as they are; counts of tiles and of those with equal text."""
    captioner = registry.load(model, "cpu")
    counts = {"pairs": 0, "aligned": 0, "tiles": 0, "same": 0, "same_as_aligned": 0, "all_tiles": 0, "all_same": 0, "unaligned_same": 0}
    for name, before, after in mosaics(data, folder, most):
        runs = {}
        for kind, align_ in (("as it is", "off"), ("as it is", "shift"), ("12 px", "shift"), ("12 px", "off")):
            target = disturbed(after, kind, folder / "disturbed.tif")
            request = CaptionRequest(str(before), str(target), align=align_, model=model)
            with pipeline.opened(request, captioner.card) as (pair, grid):
                applied = pair.alignment is not None and pair.alignment.applied
                tiles = {tile.ref: tile for tile in pipeline.caption_tiles(request, captioner, pair, grid, grid)}
                texts = {(ref.row, ref.col): tile.caption and tile.caption.text for ref, tile in tiles.items()}
                whole = {(ref.row, ref.col) for ref, tile in tiles.items() if min(tile.valid_before, tile.valid_after) > 0.999}
            runs[kind, align_] = texts, whole, applied
        plain, moved = runs["as it is", "off"], runs["12 px", "shift"]
        inside = plain[1] & moved[1]
        counts["pairs"] += 1
        counts["aligned"] += moved[2]
        counts["tiles"] += len(inside)
        counts["same"] += sum(plain[0][cell] == moved[0][cell] for cell in inside)
        counts["same_as_aligned"] += sum(runs["as it is", "shift"][0].get(cell) == moved[0][cell] for cell in inside)
        counts["all_tiles"] += len(plain[0])
        counts["all_same"] += sum(text == moved[0].get(cell) for cell, text in plain[0].items())
        counts["unaligned_same"] += sum(text == runs["12 px", "off"][0].get(cell) for cell, text in plain[0].items())
        print(name, moved[2], counts, flush=True)
    return counts


def line(row: dict) -> str:
    """A row for people."""
    moved = "moved" if row["applied"] else "stays"
    text = f"{row['disturbed']:9} {moved} recovery {row['recovery_px']:6.2f} (p90 {row['recovery_p90_px']:6.2f}) known {row['off_known_px']:6.2f}"
    text += f" left {row['left_px']} agreement {row['agreement']} windows {row['windows']} {'field' if row['field'] else '     '}"
    return f"{text} {row['seconds']} s {row['reason']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--places", type=int, default=PLACES)
    parser.add_argument("--only", default="")
    parser.add_argument("--method", default="")
    parser.add_argument("--captions", metavar="MODEL", help="compare captions instead")
    args = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.captions:
            same_captions(args.data, folder, args.places, args.captions)
            return
        for pair, before, after in [*geotiffs(args.data), *mosaics(args.data, folder, args.places)]:
            if args.only not in pair:
                continue
            for method in [args.method] if args.method else ("shift", "local"):
                results[f"{pair}, {method}"] = found = measure(before, after, folder, method)
                print(f"{pair}, {method}")
                for row in found:
                    print("   " + line(row), flush=True)
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
