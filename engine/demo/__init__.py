"""``make demo``: caption a before and an after raster, by default a sample drawn on the spot, and picture the result."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from rich.console import Console
from rich.table import Table

from ..cli import main as changescribe
from .render import SKIES, render
from .scene import AFTER, BEFORE, HEIGHT_PX, WIDTH_PX, plan
from ..contract.errors import InputError
from ..report.figure import Cell, draw_map, read_cells

CRS, GSD_M = "EPSG:32633", 0.5
LEFT_M, TOP_M = 391_360.0, 5_820_032.0
SEASONS = (0.3, 0.8)


def write_sample(folder: Path) -> tuple[Path, Path]:
    """Draw the sample pair as GeoTIFFs (RGB, uint8, EPSG:32633, 0.5 m).

    Returns
    -------
    Paths of the before and the after raster.
    """
    paths = (folder / "before.tif", folder / "after.tif")
    for date, (path, scene) in enumerate(zip(paths, plan())):
        _write(path, render(scene, SKIES[date], SEASONS[date], seed=date))
    return paths[BEFORE], paths[AFTER]


def _write(path: Path, pixels: np.ndarray) -> None:
    transform = rasterio.Affine(GSD_M, 0, LEFT_M, 0, -GSD_M, TOP_M)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": HEIGHT_PX, "width": WIDTH_PX, "crs": CRS, "transform": transform}
    with rasterio.open(path, "w", **profile, photometric="RGB", tiled=True, compress="deflate", predictor=2) as raster:
        raster.write(pixels)


def table(cells: Sequence[Cell]) -> Table:
    """The changed tiles' captions; the others only as a count."""
    changed = [cell for cell in cells if cell.changed]
    rows = Table(title=f"{len(changed)} of {len(cells)} tiles changed", title_justify="left")
    for heading in ("Tile", "Score", "Caption", "Classes"):
        rows.add_column(heading)
    for cell in changed:
        values = cell.properties
        rows.add_row(f"{values['row']}, {values['col']}", f"{values['change_score']:.2f}", values["caption"], " ".join(cell.classes))
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; the exit code is that of ``changescribe caption``."""
    parser = argparse.ArgumentParser(prog="python -m engine.demo", description=__doc__)
    parser.add_argument("--before", type=Path, help="raster; without it a sample is drawn")
    parser.add_argument("--after", type=Path)
    parser.add_argument("--output", type=Path, default=Path("demo"), help="folder (default: demo)")
    args = parser.parse_args(argv)
    console = Console()
    if (args.before is None) != (args.after is None):
        console.print(str(InputError("one raster", "both dates", "give BEFORE=… and AFTER=…, or neither for the sample")), style="red")
        return InputError.exit_code
    args.output.mkdir(parents=True, exist_ok=True)

    start_s = time.perf_counter()
    before, after = (args.before, args.after) if args.before else write_sample(args.output)
    drawn_s = time.perf_counter()
    layer = args.output / "change_captions.gpkg"
    layer.unlink(missing_ok=True)
    status = changescribe(["caption", str(before), str(after), "-o", str(layer)])
    if status:
        return status
    captioned_s = time.perf_counter()
    cells = read_cells(layer)
    picture = args.output / "map.png"
    draw_map(before, after, cells, picture)
    console.print(table(cells) if any(cell.changed for cell in cells) else f"none of {len(cells)} tiles changed")
    sample = f"sample drawn in {drawn_s - start_s:.1f} s, " if args.before is None else ""
    console.print(f"{sample}{len(cells)} tiles captioned in {captioned_s - drawn_s:.1f} s, model loading included")
    console.print(f"{layer}\n{picture}", soft_wrap=True, highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
