"""Polygons around the hot ground of a heat map: its pixels above a threshold, joined across tile borders."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import fiona
import numpy as np
import rasterio
import shapely
from affine import Affine
from fiona.errors import FionaError
from rasterio.features import geometry_mask, shapes
from rasterio.windows import Window

from ..errors import OutputError
from .grid import TileGrid
from .ground import pixel_size_m

LAYER = "change_heat"
SCHEMA = {"geometry": "Polygon", "properties": {"tile_ids": "str", "area_m2": "float", "score": "float"}}
TAG = "changescribe"
NODATA = 255
BATCH = 1000
READ_PX = 2048  # side of the blocks that a polygon's mean is read in
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
        got = f"{path} holds no heat polygons of ChangeScribe"
        raise OutputError(got, "a GeoPackage that an earlier run has written", "choose another heat map") from error


def _features(raster: Path, grid: TileGrid, threshold: float) -> Iterator[dict]:
    least = max(1, math.ceil(100 * threshold - 1e-9))  # as rounded percentages, without the noise of 100 × 0.55
    with rasterio.open(raster) as heat:
        place = ", ".join(map(repr, heat.transform.to_gdal()))
        source = {"path": escape(str(raster.absolute())), "width": heat.width, "height": heat.height, "place": place, "nodata": NODATA}
        with rasterio.open(_HOT.format(**source, below=least - 1, least=least)) as hot_pixels:
            band = rasterio.band(hot_pixels, 1)
            for geometry, _ in shapes(band, mask=band, connectivity=4):
                yield _feature(heat, shapely.geometry.shape(geometry), grid)


def _feature(heat: Any, place: Any, grid: TileGrid) -> dict:
    """A polygon in the grid's CRS as a feature; its corners are corners of pixels."""
    inverse = ~grid.transform
    polygon = shapely.transform(place, lambda points: np.rint(np.column_stack(inverse * (points[:, 0], points[:, 1]))))
    left, top, right, bottom = (int(value) for value in polygon.bounds)
    height_m, width_m = pixel_size_m(grid.crs, grid.transform * Affine.translation(left, top), bottom - top, right - left)
    properties = {
        "tile_ids": "; ".join(ref.tile_id for ref in grid.sharing(polygon)),
        "area_m2": round(polygon.area * height_m * width_m, 2),
        "score": round(_mean(heat, polygon), 4),
    }
    return {"type": "Feature", "geometry": shapely.geometry.mapping(place), "properties": properties}


def _mean(heat: Any, polygon: Any) -> float:
    """Mean heat (0..1) of the pixels in a polygon, read in blocks: it may wind through the whole raster."""
    left, top, right, bottom = (int(value) for value in polygon.bounds)
    total = count = 0
    for row in range(top, bottom, READ_PX):
        for col in range(left, right, READ_PX):
            window = Window(col, row, min(READ_PX, right - col), min(READ_PX, bottom - row))
            percent = heat.read(1, window=window)
            inside = geometry_mask([polygon], percent.shape, Affine.translation(col, row), invert=True)
            total += int(percent[inside].sum(dtype=np.int64))
            count += int(inside.sum())
    return total / (100 * count)
