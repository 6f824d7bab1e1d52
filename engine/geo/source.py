"""One raster file: opening it, choosing its bands, and telling its valid pixels.

All forms of nodata (nodata value, alpha band, internal or side-car mask, NaN) become one boolean mask here and nowhere else.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform as transform_points
from rasterio.windows import Window

from ..errors import InputError, RasterError

# Red, green and blue of Sentinel-2 and Landsat 8/9 by the names that their bands carry.
BAND_NAMES = (("b04", "b03", "b02"), ("b4", "b3", "b2"), ("red", "green", "blue"))
RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


def open_raster(path: str) -> rasterio.DatasetReader:
    """Open a georeferenced raster.

    Raises
    ------
    RasterError
        Missing, not a raster, without bands, without CRS or georeference.
    """
    if is_local_path(path) and not Path(path).exists():
        raise RasterError(f"{path} does not exist", "a raster file", "check the path")
    try:
        source = rasterio.open(path)
    except RasterioError as error:
        raise RasterError(
            f"{path} cannot be opened as a raster ({error})", "a raster that GDAL reads", "check the file, or convert it to GeoTIFF"
        ) from error
    if source.count == 0 or source.width == 0 or source.height == 0:
        source.close()
        raise RasterError(f"{path} has no bands of its own", "a raster with pixels", "name one of its sub-data sets")
    if source.crs is None:
        source.close()
        raise RasterError(
            f"{path} has no CRS", "a georeferenced raster", f"assign the right one, for instance with: gdal_edit.py -a_srs EPSG:… {path}"
        )
    if source.transform == Affine.identity() or source.transform.determinant == 0:
        source.close()
        raise RasterError(f"{path} has a CRS but no georeference", "a raster whose pixels have places", "add a world file or georeference it")
    return source


def is_local_path(path: str) -> bool:
    """Whether a GDAL name is a plain file, not /vsi…, a URL, a sub-data set ("NETCDF:…") or inline XML."""
    return not path.startswith(("/vsi", "<")) and ":" not in Path(path).name and "://" not in path


def choose_bands(source: rasterio.DatasetReader, wanted: tuple[int, ...] | None) -> tuple[int, int, int]:
    """Bands for red, green and blue: the wanted ones; else by colour tags; else by band names (Sentinel-2); else 1, 2, 3; else one band thrice.

    Raises
    ------
    InputError
        A wanted band that the raster does not have.
    """
    data = [i for i, kind in zip(source.indexes, source.colorinterp) if kind != ColorInterp.alpha]
    if wanted:
        missing = sorted(set(wanted) - set(source.indexes))
        if missing:
            raise InputError(f"band {missing[0]} of {source.name}", f"bands from 1 to {source.count}", "correct the band numbers")
        return wanted[0], wanted[1], wanted[2]
    kinds = dict(zip(source.colorinterp, source.indexes))
    if all(kind in kinds for kind in RGB):
        return kinds[RGB[0]], kinds[RGB[1]], kinds[RGB[2]]
    named = _bands_by_name(source)
    if named:
        return named
    if len(data) >= 3:
        return data[0], data[1], data[2]
    first = data[0] if data else 1
    return first, first, first


def _bands_by_name(source: rasterio.DatasetReader) -> tuple[int, int, int] | None:
    """Bands whose descriptions say red, green, blue; or the Sentinel-2 names that the file name lists in order."""
    texts = [(text or "").lower() for text in source.descriptions]
    if not any(texts):
        stem = Path(source.name).stem.lower()
        listed = [part for part in stem.replace("-", "_").split("_") if len(part) == 3 and part[0] == "b" and part[1:].isdigit()]
        texts = listed if len(listed) == source.count else texts
    for names in BAND_NAMES:
        found = [next((i for i, text in zip(source.indexes, texts) if text.split(" ")[0].strip(",") == name), None) for name in names]
        if all(found):
            return found[0], found[1], found[2]
    return None


class GridView:
    """A raster seen on a pixel grid: read directly where its own pixels lie on the grid, else warped on the fly.

    transform, crs : of the grid; height, width : its size.
    """

    def __init__(self, source: rasterio.DatasetReader, bands: tuple[int, int, int], crs: CRS, transform: Affine, height: int, width: int):
        self.source, self.bands, self.name = source, bands, source.name
        self.height, self.width = height, width
        self._unique = tuple(sorted(set(bands)))
        self._order = [self._unique.index(band) for band in bands]
        self._float = np.issubdtype(np.dtype(source.dtypes[bands[0] - 1]), np.floating)
        self.offset = pixel_offset(source, crs, transform)
        self.warped = self.offset is None
        self._dataset = self._warp(crs, transform) if self.warped else source
        flags = self._dataset.mask_flag_enums[bands[0] - 1]
        self._masked = self.warped or flags != [MaskFlags.all_valid]

    @property
    def dtype(self) -> str:
        return self.source.dtypes[self.bands[0] - 1]

    def _warp(self, crs: CRS, transform: Affine) -> WarpedVRT:
        nodata = self.source.nodata
        if nodata is None and self._float:
            nodata = math.nan
        has_alpha = ColorInterp.alpha in self.source.colorinterp
        return WarpedVRT(
            self.source,
            crs=crs,
            transform=transform,
            height=self.height,
            width=self.width,
            resampling=Resampling.bilinear,  # GDAL widens the kernel where it shrinks the raster, so this is antialiased
            src_nodata=nodata,
            add_alpha=not has_alpha,
            UNIFIED_SRC_NODATA="YES",  # a pixel is nodata when all its bands are, as in a dataset mask
        )

    def close(self) -> None:
        """Close the warped view; the source belongs to the pair."""
        if self.warped:
            self._dataset.close()

    def read(self, row_off: int, col_off: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (3, height, width) in the raster's dtype and valid (height, width); outside the raster invalid and 0.

        Raises
        ------
        RasterError
            The pixels cannot be read (truncated, deleted or unreachable file).
        """
        data = np.zeros((3, height, width), self.dtype)
        valid = np.zeros((height, width), bool)
        d_row, d_col = self.offset or (0, 0)
        limit_height, limit_width = self._dataset.height, self._dataset.width
        top, left = max(0, row_off + d_row), max(0, col_off + d_col)
        bottom, right = min(limit_height, row_off + d_row + height), min(limit_width, col_off + d_col + width)
        if top >= bottom or left >= right:
            return data, valid
        window = Window(left, top, right - left, bottom - top)
        rows = slice(top - row_off - d_row, bottom - row_off - d_row)
        cols = slice(left - col_off - d_col, right - col_off - d_col)
        # An open file can be read after it was deleted, on some systems; the rest of a run must not depend on that.
        if is_local_path(self.name) and not Path(self.name).exists():
            raise RasterError(f"{self.name} is gone", "the raster that the run began with", "put it back and run again with --resume")
        try:
            read = self._dataset.read(self._unique, window=window)
            mask = self._mask(window)
        except (RasterioError, OSError) as error:
            raise RasterError(
                f"{self.name} cannot be read at rows {top} to {bottom}, columns {left} to {right} ({error})",
                "a complete, readable raster",
                "check whether the file is truncated or was moved, then run again with --resume",
            ) from error
        data[:, rows, cols] = read[self._order]
        finite = np.isfinite(read).all(0) if self._float else True
        valid[rows, cols] = mask & finite
        data[:, ~valid] = 0
        return data, valid

    def _mask(self, window: Window) -> np.ndarray | bool:
        if not self._masked:
            return True
        if self.warped:
            return self._dataset.dataset_mask(window=window) > 0
        return self.source.read_masks(self._unique, window=window).any(0)


def pixel_offset(source: rasterio.DatasetReader, crs: CRS, transform: Affine) -> tuple[int, int] | None:
    """(rows, cols) from the grid's pixels to the raster's own where both are the same grid, else None."""
    if source.crs != crs:
        return None
    to_source = ~source.transform * transform
    matrix = (to_source.a - 1, to_source.b, to_source.d, to_source.e - 1)
    rows, cols = round(to_source.f), round(to_source.c)
    size = max(source.width, source.height)
    if any(abs(value) * size > 0.01 for value in matrix) or abs(to_source.f - rows) > 0.01 or abs(to_source.c - cols) > 0.01:
        return None
    return rows, cols


def metres_per_pixel(crs: CRS, transform: Affine, height: int, width: int) -> tuple[float, float]:
    """True ground size (down a column, along a row) of the middle pixel, metres, in any CRS; web Mercator's stretching is undone.

    Lengths of a degree: series of the WGS 84 ellipsoid.
    """
    row, col = height / 2, width / 2
    points = [transform * (col, row), transform * (col, row + 1), transform * (col + 1, row)]
    xs, ys = transform_points(crs, CRS.from_epsg(4326), *zip(*points))
    phi = math.radians(ys[0])
    lat_m = 111132.954 - 559.822 * math.cos(2 * phi) + 1.175 * math.cos(4 * phi)
    lon_m = 111412.84 * math.cos(phi) - 93.5 * math.cos(3 * phi) + 0.118 * math.cos(5 * phi)

    def distance(i: int) -> float:
        return math.hypot((ys[i] - ys[0]) * lat_m, (xs[i] - xs[0]) * lon_m)

    return distance(1), distance(2)
