"""Polygons around the hot ground of a heat map: its pixels above a threshold, joined across tile borders."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

import fiona
import numpy as np
import rasterio
import shapely
from affine import Affine
from fiona.errors import FionaError
from rasterio.features import rasterize, shapes
from rasterio.windows import Window

from ..contract.errors import OutputError
from ..geo import vector
from ..geo.grid import TileGrid
from ..geo.ground import pixel_size_m

LAYER = "change_heat"
SCHEMA = {"geometry": "Polygon", "properties": {"tile_ids": "str", "area_m2": "float", "score": "float"}}
TAG = "changescribe"
NODATA = 255
BATCH = 1000
READ_PX = 1024  # side of the blocks that polygons' means are read in
SIZE_PX = 256  # the ground size of pixels changes by less than 1 ‰ within it
# Bytes under the threshold and without data become 0, the others 1, while GDAL reads them: no second raster is written.
_HOT = """<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><GeoTransform>{place}</GeoTransform>
<VRTRasterBand dataType="Byte" band="1"><ComplexSource>
<SourceFilename relativeToVRT="0">{path}</SourceFilename><SourceBand>1</SourceBand><NODATA>{nodata}</NODATA><LUT>{below}:0,{least}:1</LUT>
</ComplexSource></VRTRasterBand></VRTDataset>"""


def write_polygons(raster: Path, path: Path, grid: TileGrid, threshold: float, provenance: Mapping[str, Any]) -> None:
    """Write the layer ``change_heat``: tile_ids (joined by "; "), area_m2 (on the ground), score (mean heat, 0..1).

    Edges run along pixels and so along the model's cells. The file appears under its name when it is complete.

    Parameters
    ----------
    raster : heat map, percentages on the grid's pixels
    threshold : heat (0..1) from which a pixel is hot
    provenance : JSON-able, kept in the layer's metadata

    Raises
    ------
    rasterio and fiona errors, OSError : a file cannot be read or written
    """
    partial = path.with_name(f"{path.stem}.partial.gpkg")
    partial.unlink(missing_ok=True)
    try:
        with fiona.open(partial, "w", driver="GPKG", layer=LAYER, schema=SCHEMA, crs_wkt=grid.crs.to_wkt()) as layer:
            layer.update_tags({TAG: json.dumps(provenance, ensure_ascii=False)})
            batch = []
            for feature in _features(raster, grid, threshold):
                batch.append(feature)
                if len(batch) == BATCH:
                    layer.writerecords(batch)
                    batch = []
            layer.writerecords(batch)
        os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def read_provenance(path: Path) -> dict:
    """The provenance in a file of heat polygons.

    Raises
    ------
    OutputError
        The file is none of ours.
    """
    try:
        with fiona.open(path, layer=LAYER) as layer:
            return json.loads(layer.tags()[TAG])
    except (FionaError, ValueError, KeyError, OSError) as error:
        if vector.is_locked(path):
            raise OutputError(f"{path} is locked by another program", *vector.LOCKED) from error
        got = f"{path} holds no heat polygons of ChangeScribe"
        raise OutputError(got, "a GeoPackage that an earlier run has written", "choose another heat map") from error


def _features(raster: Path, grid: TileGrid, threshold: float) -> Iterator[dict]:
    least = max(1, math.ceil(100 * threshold - 1e-9))  # as rounded percentages, without the noise of 100 × 0.55
    with rasterio.open(raster) as heat:
        place = ", ".join(map(repr, heat.transform.to_gdal()))
        source = {"path": escape(str(raster.absolute())), "width": heat.width, "height": heat.height, "place": place, "nodata": NODATA}
        with rasterio.open(_HOT.format(**source, below=least - 1, least=least)) as hot_pixels:
            band = rasterio.band(hot_pixels, 1)
            found = (geometry for geometry, _ in shapes(band, mask=band, connectivity=4))
            while batch := list(islice(found, BATCH)):
                yield from _batch(heat, batch, grid)


def _batch(heat: Any, geometries: list[dict], grid: TileGrid) -> Iterator[dict]:
    """GeoJSON polygons in the grid's CRS as features; their corners are corners of pixels."""
    inverse = ~grid.transform
    places = np.array([shapely.geometry.shape(geometry) for geometry in geometries])
    polygons = shapely.transform(places, lambda points: np.rint(np.column_stack(inverse * (points[:, 0], points[:, 1]))))
    areas_m2 = shapely.area(polygons) * _pixels_m2(polygons, grid)
    for geometry, polygon, area_m2, score in zip(geometries, polygons, areas_m2, _means(heat, polygons)):
        tile_ids = "; ".join(ref.tile_id for ref in grid.sharing(polygon))
        properties = {"tile_ids": tile_ids, "area_m2": round(float(area_m2), 2), "score": round(float(score), 4)}
        yield {"type": "Feature", "geometry": geometry, "properties": properties}


def _pixels_m2(polygons: np.ndarray, grid: TileGrid) -> np.ndarray:
    """Ground size of a pixel at each polygon, measured at the nearest point of a coarse lattice."""
    x, y = shapely.get_coordinates(shapely.centroid(polygons)).T
    lattice = np.column_stack([x // SIZE_PX, y // SIZE_PX])
    points, which = np.unique(lattice, axis=0, return_inverse=True)
    sizes = [pixel_size_m(grid.crs, grid.transform * Affine.translation(*(SIZE_PX * point)), SIZE_PX, SIZE_PX) for point in points]
    return np.array([height_m * width_m for height_m, width_m in sizes])[which.ravel()]


def _means(heat: Any, polygons: np.ndarray) -> np.ndarray:
    """Mean heat (0..1) of the pixels in each polygon, read in blocks: one may wind through the whole raster."""
    tree, total, count = shapely.STRtree(polygons), np.zeros(len(polygons)), np.zeros(len(polygons))
    left, top, right, bottom = shapely.total_bounds(polygons).astype(int).tolist()
    for row in range(top, bottom, READ_PX):
        for col in range(left, right, READ_PX):
            height, width = min(READ_PX, bottom - row), min(READ_PX, right - col)
            hits = tree.query(shapely.box(col, row, col + width, row + height))
            if len(hits):
                burnt = zip(polygons[hits], range(1, len(hits) + 1))
                labels = rasterize(burnt, (height, width), transform=Affine.translation(col, row), dtype="int32").ravel()
                percent = heat.read(1, window=Window(col, row, width, height)).ravel()
                total[hits] += np.bincount(labels, percent, len(hits) + 1)[1:]
                count[hits] += np.bincount(labels, minlength=len(hits) + 1)[1:]
    return total / (100 * count)
