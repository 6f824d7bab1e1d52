"""Areas for the benchmarks: the drawn sample's tiles, arranged at will and stored in the usual ways."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import rasterio
import rasterio.shutil
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from engine.contract.request import CaptionRequest
from engine.demo import CRS, GSD_M, LEFT_M, TOP_M
from engine.demo.scene import HEIGHT_PX, WIDTH_PX
from engine.evaluation.pairs import Pair, read_image

TILE_PX = 256
SAMPLE_COLS, SAMPLE_ROWS = WIDTH_PX // TILE_PX, HEIGHT_PX // TILE_PX
SAMPLE_TILES = SAMPLE_COLS * SAMPLE_ROWS
ACROSS = 25
# How a raster is stored: creation options of GDAL, a driver, or another grid.
FORMATS: dict[str, dict] = {
    "tiled, deflate": {"driver": "GTiff", "tiled": "YES", "compress": "DEFLATE", "predictor": 2},
    "tiled, plain": {"driver": "GTiff", "tiled": "YES"},
    "striped": {"driver": "GTiff", "compress": "DEFLATE", "predictor": 2},
    "COG": {"driver": "COG", "compress": "DEFLATE"},
    "JPEG": {"driver": "GTiff", "tiled": "YES", "compress": "JPEG", "photometric": "YCBCR", "jpeg_quality": 90},
    "reprojected": {"driver": "GTiff", "tiled": "YES", "compress": "DEFLATE", "predictor": 2},
}
OTHER_CRS = "EPSG:3857"  # of the after raster of "reprojected"


def mosaic(source: Path, target: Path, picks: Sequence[int]) -> None:
    """Write a VRT whose tiles, row by row, are those of the sample with these numbers (row · SAMPLE_COLS + column)."""
    across = min(ACROSS, len(picks))
    down = -(-len(picks) // across)
    places = [(divmod(pick, SAMPLE_COLS), divmod(i, across)) for i, pick in enumerate(picks)]
    side = f'xSize="{TILE_PX}" ySize="{TILE_PX}"'
    parts = [
        f'<SrcRect xOff="{from_col * TILE_PX}" yOff="{from_row * TILE_PX}" {side}/><DstRect xOff="{col * TILE_PX}" yOff="{row * TILE_PX}" {side}/>'
        for (from_row, from_col), (row, col) in places
    ]
    _write_vrt(source, target, across * TILE_PX, down * TILE_PX, parts)


def repeated(area: CaptionRequest, times: int) -> CaptionRequest:
    """An area of VRTs ``times`` times, each below the last: GDAL looks at all parts of a VRT at every read, and at fewer this way."""
    paths = []
    for path in map(Path, (area.before, area.after)):
        with rasterio.open(path) as raster:
            side = f'xSize="{raster.width}" ySize="{raster.height}"'
            parts = [f'<SrcRect xOff="0" yOff="0" {side}/><DstRect xOff="0" yOff="{i * raster.height}" {side}/>' for i in range(times)]
            paths.append(path.with_name(f"{path.stem}_times_{times}.vrt"))
            _write_vrt(path, paths[-1], raster.width, raster.height * times, parts)
    return CaptionRequest(*map(str, paths))


def _write_vrt(source: Path, target: Path, width: int, height: int, parts: Sequence[str]) -> None:
    """A VRT of three bands whose ``parts``, rectangles there and here, come from one file beside it."""
    bands = []
    for band, colour in enumerate(("Red", "Green", "Blue"), 1):
        start = f'<SimpleSource><SourceFilename relativeToVRT="1">{source.name}</SourceFilename><SourceBand>{band}</SourceBand>'
        sources = "".join(f"{start}{part}</SimpleSource>" for part in parts)
        bands.append(f'<VRTRasterBand dataType="Byte" band="{band}"><ColorInterp>{colour}</ColorInterp>{sources}</VRTRasterBand>')
    size = f'rasterXSize="{width}" rasterYSize="{height}"'
    transform = f"{LEFT_M}, {GSD_M}, 0, {TOP_M}, 0, {-GSD_M}"
    target.write_text(f"<VRTDataset {size}><SRS>{CRS}</SRS><GeoTransform>{transform}</GeoTransform>{''.join(bands)}</VRTDataset>")


def write_pairs(folder: Path, pairs: Sequence[Pair]) -> int:
    """Write photographs of one place each as tiles of one before and one after raster, in place of the drawn sample; how many there are."""
    rows = -(-len(pairs) // SAMPLE_COLS)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": rows * TILE_PX, "width": SAMPLE_COLS * TILE_PX, "crs": CRS}
    transform = rasterio.Affine(GSD_M, 0, LEFT_M, 0, -GSD_M, TOP_M)
    for date in ("before", "after"):
        with rasterio.open(folder / f"{date}.tif", "w", **profile, transform=transform, photometric="RGB", tiled=True, compress="deflate") as raster:
            for i, pair in enumerate(pairs):
                row, col = divmod(i, SAMPLE_COLS)
                raster.write(read_image(getattr(pair, date), TILE_PX)[0], window=Window(col * TILE_PX, row * TILE_PX, TILE_PX, TILE_PX))
    return len(pairs)


def write_area(folder: Path, name: str, picks: Sequence[int]) -> CaptionRequest:
    """Both dates of an area as VRTs over the sample in ``folder``."""
    paths = [folder / f"{date}_{name}.vrt" for date in ("before", "after")]
    for date, path in zip(("before", "after"), paths):
        mosaic(folder / f"{date}.tif", path, picks)
    return CaptionRequest(*map(str, paths))


def mixed(changed: Sequence[int], unchanged: Sequence[int], share: float, tiles: int) -> list[int]:
    """Numbers of ``tiles`` tiles of the sample, a ``share`` (0..1) of them among ``changed``, shuffled by a fixed seed."""
    count = round(share * tiles)
    picks = [pool[i % len(pool)] for pool, size in ((changed, count), (unchanged, tiles - count)) for i in range(size)]
    random.Random(0).shuffle(picks)
    return picks


def stored(folder: Path, area: CaptionRequest, kind: str) -> CaptionRequest:
    """The area written as real rasters in one of FORMATS."""
    name = "".join(letter for letter in kind if letter.isalnum())
    paths = [folder / f"{Path(path).stem}_{name}.tif" for path in (area.before, area.after)]
    for date, (source, path) in enumerate(zip((area.before, area.after), paths)):
        with rasterio.open(source) as raster:
            if kind == "reprojected" and date == 1:
                with WarpedVRT(raster, crs=OTHER_CRS) as warped:
                    rasterio.shutil.copy(warped, path, **FORMATS[kind])
            else:
                rasterio.shutil.copy(raster, path, **FORMATS[kind])
    return CaptionRequest(*map(str, paths))
