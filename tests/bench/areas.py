"""Areas for the benchmarks: the drawn sample's tiles, arranged at will and stored in the usual ways."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import rasterio
import rasterio.shutil
from rasterio.vrt import WarpedVRT

from engine.demo import CRS, GSD_M, LEFT_M, TOP_M
from engine.demo_scene import HEIGHT_PX, WIDTH_PX
from engine.schema import CaptionRequest

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
    bands = []
    for band, colour in enumerate(("Red", "Green", "Blue"), 1):
        sources = "".join(
            f'<SimpleSource><SourceFilename relativeToVRT="1">{source.name}</SourceFilename><SourceBand>{band}</SourceBand>'
            f'<SrcRect xOff="{from_col * TILE_PX}" yOff="{from_row * TILE_PX}" {side}/>'
            f'<DstRect xOff="{col * TILE_PX}" yOff="{row * TILE_PX}" {side}/></SimpleSource>'
            for (from_row, from_col), (row, col) in places
        )
        bands.append(f'<VRTRasterBand dataType="Byte" band="{band}"><ColorInterp>{colour}</ColorInterp>{sources}</VRTRasterBand>')
    size = f'rasterXSize="{across * TILE_PX}" rasterYSize="{down * TILE_PX}"'
    transform = f"{LEFT_M}, {GSD_M}, 0, {TOP_M}, 0, {-GSD_M}"
    target.write_text(f"<VRTDataset {size}><SRS>{CRS}</SRS><GeoTransform>{transform}</GeoTransform>{''.join(bands)}</VRTDataset>")


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
