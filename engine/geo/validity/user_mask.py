"""Masks that people give for a date: clouds, their shadows, or anything else that is not to count.

``FILE`` is a raster or polygons, in any CRS. What lies beyond a mask is not masked. Forms of rasters, by what they hold:

Sentinel-2 scene classification (SCL in the name or the band's description, or one band of classes 0 to 11)
    0 no data, 1 defective, 3 cloud shadow, 8 and 9 cloud, 10 cirrus are masked; vegetation, soil, water, snow and 7 (unclassified) count.
Planet UDM2 (8 bands)
    shadow, heavy haze and cloud (bands 3, 5 and 6) and what band 8 calls unusable are masked; clear, snow and light haze count.
One band with 0 and one other value
    what is not 0 is masked.

``FILE|masked=3,8-10`` names the values that are masked, ``FILE|clear=4-7`` those that are not, and ``|band=N`` the band; of polygons
``FILE|layername=NAME`` picks a layer.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from rasterio._err import CPLE_BaseError
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.features import rasterize
from rasterio.warp import reproject, transform_bounds
from rasterio.windows import Window

from ...contract.errors import AreaError, NoOverlapError, RasterError
from .. import access
from ..matching.blocks import verify_blocks
from ..vector import split_layer

SCL_MASKED = (0, 1, 3, 8, 9, 10)
SCL_LAST = 11
UDM2_BANDS, UDM2_UNUSABLE, UDM2_LIKELY_CLOUD = (3, 5, 6), 8, 2  # bit 1 of band 8 is the older guess at clouds, which bands 1 to 6 replace
_SCL_NAME = re.compile(r"(?:^|[\W_])SCL(?:[\W_]|$)", re.I)
_LOOK_PX, _MARGIN_PX, _EDGE_POINTS = 512, 2, 21
_EXACT_PX = 0.25
_OPTIONS = ("masked", "clear", "band", "layername")


class UserMask:
    """A mask of one date; picklable, not to be shared by threads.

    Attributes
    ----------
    file : str
        What GDAL opens.
    note : str
        How it is read.
    """

    def __init__(self, path: str, name: str):
        """Open and recognise a mask; ``name`` is "before" or "after".

        Raises
        ------
        RasterError, AreaError
            It cannot be read, or not told what its values mean.
        """
        self.name = name
        self.file, self._options = split_layer(path)
        self._dataset: Any = None
        self._shapes: tuple[Any, Any] | None = None  # CRS, and a tree of polygons in it
        self._what = f"the mask {self.file} of the {name} raster"
        unknown = sorted(set(self._options) - set(_OPTIONS))
        if unknown or ("masked" in self._options and "clear" in self._options):
            raise RasterError(f"{self._what} with {', '.join(self._options)}", f"one or more of {', '.join(_OPTIONS)}; masked or clear", "correct it")
        access.allow(self.file)
        self.is_raster = "layername" not in self._options and self._opens()
        if self.is_raster:
            self._values = self._recognised()
        else:
            self.note = f"the polygons of {self._what} do not count"

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_dataset": None}

    def close(self) -> None:
        if self._dataset is not None:
            self._dataset.close()
            self._dataset = None

    @property
    def dataset(self) -> Any:
        if self._dataset is None:
            self._dataset = rasterio.open(self.file)
        return self._dataset

    def covers(self, crs: Any, grid_transform: Any, window: Any) -> np.ndarray:
        """What is masked in a window of a grid: (h, w) bool.

        Raises
        ------
        RasterError, AreaError
            The file cannot be read.
        """
        shape = int(window.height), int(window.width)
        place = grid_transform * rasterio.Affine.translation(int(window.col_off), int(window.row_off))
        corners = [place * corner for corner in ((0, 0), (shape[1], 0), (shape[1], shape[0]), (0, shape[0]))]
        (left, right), (bottom, top) = ((min(side), max(side)) for side in zip(*corners))
        if not self.is_raster:
            return self._under_polygons(crs, place, shape, shapely.box(left, bottom, right, top))
        try:
            return self._under_raster(crs, place, shape, (left, bottom, right, top))
        except (RasterioError, CPLE_BaseError, OSError) as error:
            raise RasterError(f"{self._what} cannot be read ({error})", "a complete raster", "check it with gdalinfo -checksum") from error

    def verify_touches(self, crs: Any, bounds: tuple[float, float, float, float]) -> None:
        """Check that a raster mask lies on the ground of a raster with these bounds.

        Raises
        ------
        NoOverlapError
        """
        if not self.is_raster:
            return
        left, bottom, right, top = transform_bounds(crs, self.dataset.crs, *bounds, densify_pts=_EDGE_POINTS)
        own = self.dataset.bounds
        if (
            left >= max(own.left, own.right)
            or right <= min(own.left, own.right)
            or bottom >= max(own.bottom, own.top)
            or top <= min(own.bottom, own.top)
        ):
            raise NoOverlapError(
                f"{self._what} lies off that raster", "a mask of the same ground", "check that it is the mask of this date and place"
            )

    def _opens(self) -> bool:
        try:
            verify_blocks(self.file, self.name, self.dataset)
            return self.dataset.count > 0
        except RasterioError:
            if not access.is_remote(self.file) and not self.file.startswith("/vsi") and not Path(self.file).exists():
                raise RasterError(f"{self._what} does not exist", "a raster or polygon file", "check the path") from None
            return False

    def _recognised(self) -> tuple[str, frozenset[int]]:
        """How the values are read: "masked" or "clear" and the values, "nonzero", or "udm2"; sets ``note``."""
        dataset, options = self.dataset, self._options
        if not dataset.crs:
            raise RasterError(f"{self._what} has no CRS", "a georeferenced mask", f"assign one: gdal_edit.py -a_srs EPSG:CODE {self.file}")
        self._band = self._chosen_band()
        for kind in ("masked", "clear"):
            if kind in options:
                self.note = f"{self._what} is read as told: {kind} are the values {options[kind]}"
                return kind, self._listed(options[kind])
        if dataset.count == UDM2_UNUSABLE and "band" not in options:
            self.note = f"{self._what} is read as Planet UDM2: shadow, heavy haze, cloud and unusable pixels do not count"
            return "udm2", frozenset()
        if dataset.count > 1 and "band" not in options:
            raise RasterError(f"{self._what} has {dataset.count} bands", "one band, or the 8 of UDM2", f"name one: {self.file}|band=1")
        values = self._seen()
        named = _SCL_NAME.search(Path(self.file).stem) or _SCL_NAME.search(dataset.descriptions[self._band - 1] or "")
        classes = values.size > 2 and np.isin(values, np.arange(SCL_LAST + 1)).all() and values.max() >= 5
        if (named and np.isin(values, np.arange(SCL_LAST + 1)).all()) or classes:
            self.note = f"{self._what} is read as Sentinel-2 scene classes: {', '.join(map(str, SCL_MASKED))} do not count"
            return "masked", frozenset(SCL_MASKED)
        if values.size > 2 or (values.size == 2 and values.min() != 0):
            shown = ", ".join(f"{value:g}" for value in values[:12]) + (", …" if values.size > 12 else "")
            do = f"name them: {self.file}|masked=2,4 (values that do not count) or {self.file}|clear=0,1"
            raise RasterError(f"{self._what} has the values {shown}", "0 and one other, Sentinel-2 scene classes, or UDM2", do)
        self.note = f"{self._what} is read as 0 and 1: what is not 0 does not count"
        return "nonzero", frozenset()

    def _chosen_band(self) -> int:
        text = self._options.get("band", "1")
        if not text.isdigit() or not 1 <= int(text) <= self.dataset.count:
            raise RasterError(f"{self._what} with band={text}", f"a band from 1 to {self.dataset.count}", "correct it")
        return int(text)

    def _listed(self, text: str) -> frozenset[int]:
        """Numbers and ranges, such as 3,8-10."""
        found: set[int] = set()
        for part in re.split(r"[,;\s]+", text.strip()):
            match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
            if not match or int(match[2] or match[1]) - int(match[1]) > 65_535:
                raise RasterError(f"{self._what} with the values {text!r}", "numbers and ranges, such as 3,8-10", "correct them")
            found |= set(range(int(match[1]), int(match[2] or match[1]) + 1))
        return frozenset(found)

    def _seen(self) -> np.ndarray:
        """Different values, picked from all over the band."""
        dataset = self.dataset
        shape = min(_LOOK_PX, dataset.height), min(_LOOK_PX, dataset.width)
        return np.unique(np.nan_to_num(dataset.read(self._band, out_shape=shape, resampling=Resampling.nearest)))

    def _masked(self, read: Any) -> np.ndarray:
        kind, values = self._values
        if kind == "udm2":
            bands = read([*UDM2_BANDS, UDM2_UNUSABLE])
            return (bands[:-1] != 0).any(axis=0) | ((bands[-1].astype(np.int64) & ~UDM2_LIKELY_CLOUD) != 0)
        band = np.nan_to_num(read([self._band])[0])
        if kind == "nonzero":
            return band != 0
        listed = np.isin(band, list(values))
        return listed if kind == "masked" else ~listed

    def _under_raster(self, crs: Any, place: Any, shape: tuple[int, int], bounds: tuple[float, float, float, float]) -> np.ndarray:
        dataset = self.dataset
        left, bottom, right, top = transform_bounds(crs, dataset.crs, *bounds, densify_pts=_EDGE_POINTS)
        cols, rows = zip(*(~dataset.transform * corner for corner in ((left, bottom), (right, bottom), (right, top), (left, top))))
        col0, col1 = max(0, int(min(cols)) - _MARGIN_PX), min(dataset.width, int(max(cols)) + _MARGIN_PX + 1)
        row0, row1 = max(0, int(min(rows)) - _MARGIN_PX), min(dataset.height, int(max(rows)) + _MARGIN_PX + 1)
        if col0 >= col1 or row0 >= row1:
            return np.zeros(shape, bool)
        step = max(1, int(min((col1 - col0) / shape[1], (row1 - row0) / shape[0]) / 2))
        size = -(-(row1 - row0) // step), -(-(col1 - col0) // step)
        window = Window(col0, row0, col1 - col0, row1 - row0)
        masked = self._masked(lambda bands: dataset.read(bands, window=window, out_shape=(len(bands), *size), resampling=Resampling.nearest))
        scale = rasterio.Affine.scale(window.width / size[1], window.height / size[0])
        found = np.zeros(shape, np.uint8)
        reproject(
            masked.astype(np.uint8),
            found,
            src_transform=dataset.transform * rasterio.Affine.translation(col0, row0) * scale,
            src_crs=dataset.crs,
            dst_transform=place,
            dst_crs=crs,
            resampling=Resampling.nearest,
        )
        return found > 0

    def _under_polygons(self, crs: Any, place: Any, shape: tuple[int, int], box: Any) -> np.ndarray:
        if self._shapes is None or self._shapes[0] != crs:
            self._shapes = (crs, shapely.STRtree(shapely.get_parts(self._polygons(crs, _EXACT_PX * abs(place.determinant) ** 0.5))))
        tree = self._shapes[1]
        parts = shapely.clip_by_rect(tree.geometries[tree.query(box, predicate="intersects")], *box.bounds)
        parts = [part for part in parts if not part.is_empty]
        return rasterize(parts, out_shape=shape, transform=place, dtype=np.uint8) > 0 if parts else np.zeros(shape, bool)

    def _polygons(self, crs: Any, within: float) -> Any:
        from ..area import read_area

        layer = self._options.get("layername")
        try:
            return read_area(f"{self.file}|layername={layer}" if layer else self.file, crs, within)
        except AreaError as error:
            raise AreaError(error.got.replace(f"the AOI {self.file}", self._what), error.need, error.do) from error
