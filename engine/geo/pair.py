"""Two rasters on one pixel grid: the BEFORE raster's own, rotated or not, or one of a wanted ground resolution over it.

The AFTER raster is warped to that grid window by window, whatever its CRS, resolution, extent, rotation and type (``source``).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import shapely
from rasterio.warp import transform as transform_points

from ..contract.errors import InputError, NoOverlapError
from ..contract.request import CaptionRequest
from ..contract.tiles import TileRef
from . import around
from .clip import Clip
from .georeference import crs_name, verify_crs
from .grid import pixel_window
from .ground import at_resolution, pixel_size_m
from .matching.alignment import Alignment
from .source import RasterSource
from .stretch import Stretch, choose_stretch

_EDGE_POINTS = 33
_LITTLE_SHARED = 0.5
# Sides of a pixel that differ by more make circles ovals; models know square pixels.
_SQUARE = 1.25
MAX_SIDE_PX = 2**31 - 1


class RasterPair:
    """Context manager; picklable. GDAL's datasets are not thread-safe: each further thread reads from one that was ``lent()``.

    Attributes
    ----------
    crs, transform, height, width
        The common grid; tiles are counted from its upper left, which is the BEFORE raster's.
    gsd_m : float
        Ground size of a pixel at the centre (geometric mean of both sides), metres.
    overlap : shapely Polygon or MultiPolygon
        Ground that both rasters' extents share, in ``crs``.
    warnings : list of str
        What was done to the rasters that the user should know.
    before, after : RasterSource
    stretch_before, stretch_after : Stretch
    clip : Clip or None
        What tiles are cut to; None shows the model all of each tile.
    alignment : Alignment or None
        How the AFTER raster is moved; None where it was not asked for (``align`` sets it).
    """

    crs: Any
    transform: Any
    height: int
    width: int
    gsd_m: float
    overlap: Any
    stretch_before: Stretch
    stretch_after: Stretch

    def __init__(self, before: RasterSource, after: RasterSource, tile_px: int):
        self.before, self.after, self.tile_px = before, after, tile_px
        self.warnings: list[str] = []
        self.clip: Clip | None = None
        self.alignment: Alignment | None = None
        self._idle: list[RasterPair] = []

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_idle": []}

    @classmethod
    def open(cls, request: CaptionRequest, gsd_m_model: float) -> RasterPair:
        """Open both rasters and settle grid, overlap and stretches.

        Parameters
        ----------
        request : CaptionRequest
        gsd_m_model : float
            Ground size that request.resolution "model" stands for, metres.

        Raises
        ------
        RasterError
            A raster that is missing, unreadable, truncated or has no CRS.
        NoOverlapError
            The rasters share no ground.
        InputError
            Bands that are not there; stretch "none" for other than 8-bit pixels.
        """
        before = RasterSource(request.before, "before", request.before_bands, request.validity("before"))
        pair = None
        try:
            pair = cls(before, RasterSource(request.after, "after", request.after_bands, request.validity("after")), request.tile_px)
            verify_crs(pair.before, pair.after)
            pair.after.go_round_to(pair.before)
            pair._settle_grid(request, gsd_m_model)
            pair._settle_overlap()
            pair._settle_stretches(request.stretch)
        except BaseException:
            (pair or before).close()
            raise
        return pair

    def __enter__(self) -> RasterPair:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for pair in (*self._idle, self):
            pair.before.close()
            pair.after.close()
        self._idle.clear()

    @contextmanager
    def lent(self) -> Iterator[RasterPair]:
        """The same pair with file handles that no other thread has meanwhile; they stay open for the next one, until this pair is closed."""
        try:
            pair = self._idle.pop()
        except IndexError:
            pair = copy.copy(self)
            pair.before, pair.after = copy.copy(self.before), copy.copy(self.after)
        try:
            yield pair
        except BaseException:
            pair.close()
            raise
        self._idle.append(pair)

    def read(self, window: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Both dates under a window.

        Parameters
        ----------
        window : TileRef, or anything with row_off, col_off, height, width in pixels of the grid
            A TileRef smaller than the tile is padded at its right and lower side to tile_px × tile_px.

        Returns
        -------
        before, after : (3, h, w) uint8, 0 where invalid
        valid_before, valid_after : (h, w) bool

        Raises
        ------
        RasterError
            A raster fails, was deleted or overwritten.
        """
        result = []
        for source, stretch in ((self.before, self.stretch_before), (self.after, self.stretch_after)):
            # The alignment is part of the one warp: pixels are never resampled twice.
            grid = self.alignment.moved(self.transform, window) if self.alignment is not None and source is self.after else self.transform
            pixels, valid = source.read(self.crs, grid, window)
            result.append((stretch.apply(pixels, valid), valid))
        (before, valid_before), (after, valid_after) = result
        pad_px = self.tile_px if isinstance(window, TileRef) else 0
        return tuple(_padded(array, pad_px) for array in (before, after, valid_before, valid_after))  # type: ignore[return-value]

    def align(self, alignment: Alignment) -> None:
        """Read the AFTER raster as an alignment has it from now on; the overlap follows."""
        self.alignment = alignment
        if alignment.applied:
            before, after = (_outline(source, self.crs) for source in (self.before, self.after))
            after = around.repeated(after, before.bounds[0], before.bounds[2], self.before.turn)
            self.overlap = shapely.intersection(before, shapely.make_valid(shapely.transform(after, partial(_moved_back, alignment, self.transform))))

    def overlap_window(self) -> TileRef:
        """Smallest pixel window that holds the overlap."""
        return pixel_window(self.overlap, self.transform, self.height, self.width)

    def _settle_grid(self, request: CaptionRequest, gsd_m_model: float) -> None:
        before, after = self.before, self.after
        self.crs, self.transform, self.height, self.width = before.crs, before.transform, before.height, before.width
        if request.resolution != "native":
            wanted_m = gsd_m_model if request.resolution == "model" else float(request.resolution)
            self.transform, self.height, self.width = at_resolution(self.crs, self.transform, self.height, self.width, wanted_m)
            if max(self.height, self.width) > MAX_SIDE_PX:
                got = f"{self.height} × {self.width} pixels at a resolution of {wanted_m:g} m"
                raise InputError(got, f"at most {MAX_SIDE_PX} a side, as GDAL has it", "choose a coarser resolution")
        height_m, width_m = pixel_size_m(self.crs, self.transform, self.height, self.width, f"the before raster {before.path}")
        self.gsd_m = float(np.sqrt(height_m * width_m))
        if not 1 / _SQUARE < height_m / width_m < _SQUARE:
            self.warnings.append(
                f"the pixels are {width_m:.3g} m wide and {height_m:.3g} m high on the ground, so the model sees its tiles stretched; with"
                " the model's ground resolution (--resolution model) they become square"
            )
        if after.crs != before.crs:
            self.warnings.append(f"the after raster is reprojected from {crs_name(after.crs)} to {crs_name(self.crs)}")
        sizes = {}
        for source in (before, after):
            what = f"the {source.name} raster {source.path}"
            height_m, width_m = pixel_size_m(source.crs, source.transform, source.height, source.width, what)
            sizes[source.name] = float(np.sqrt(height_m * width_m))
        self.warnings += _unlike(before, after)
        for name, size_m in sizes.items():
            if abs(size_m / self.gsd_m - 1) > 0.01:
                self.warnings.append(f"the {name} raster is resampled from {size_m:.4g} m to {self.gsd_m:.4g} m a pixel")
        if max(sizes.values()) > 2 * min(sizes.values()):
            self.warnings.append("one raster is more than twice as coarse as the other: small changes may be differences in sharpness")

    def _settle_overlap(self) -> None:
        before, after = (_outline(source, self.crs) for source in (self.before, self.after))
        after = around.repeated(after, before.bounds[0], before.bounds[2], self.before.turn)
        grid = shapely.Polygon([self.transform * corner for corner in ((0, 0), (self.width, 0), (self.width, self.height), (0, self.height))])
        self.overlap = shapely.intersection(before, after)
        if abs(self.overlap.area) <= 1e-6 * grid.area / (self.height * self.width):
            raise NoOverlapError(
                f"the rasters share no ground: before {_extent(before)}, after {_extent(after)} in {crs_name(self.crs)}",
                "two rasters of one place",
                "check that both are of the same place and that their CRS are assigned correctly",
            )
        share = self.overlap.area / max(before.area, after.area)
        if share < _LITTLE_SHARED:
            self.warnings.append(f"the rasters share {100 * share:.0f} % of the larger one's extent; only that part is captioned")

    def _settle_stretches(self, method: str) -> None:
        window = self.overlap_window()
        stretches = []
        for source in (self.before, self.after):
            source.settle(self.crs, self.transform, _middle(window, self.tile_px))
            self.warnings += source.notes
        for source in (self.before, self.after):
            read = partial(source.read, self.crs, self.transform)
            stretch, found = choose_stretch(read, window, source.dtype, method, source.name)
            if not found:
                self.warnings.append(f"the {source.name} raster holds nothing but nodata where the rasters overlap")
            stretches.append(stretch)
        self.stretch_before, self.stretch_after = stretches


def _middle(window: Any, size_px: int) -> TileRef:
    """A tile in the middle of a window."""
    height, width = min(size_px, window.height), min(size_px, window.width)
    return TileRef(0, 0, window.row_off + (window.height - height) // 2, window.col_off + (window.width - width) // 2, height, width)


def _unlike(before: RasterSource, after: RasterSource) -> list[str]:
    """Warnings where two rasters are the same one, or one is grey and the other coloured."""
    if before.bands == after.bands and before.is_file(after):
        return [f"before and after are the same raster, {before.path}: nothing can have changed"]
    if before.is_grey != after.is_grey:
        grey, coloured = (before, after) if before.is_grey else (after, before)
        return [
            f"the {grey.name} raster is grey and the {coloured.name} raster coloured, which may be captioned as change;"
            f" one band for all three colours (--{coloured.name}-bands 1,1,1) makes both grey"
        ]
    return []


def _outline(source: RasterSource, crs: Any) -> Any:
    """Outline of a raster in another CRS, its edges followed at many points because they may become curves."""
    t = np.linspace(0, 1, _EDGE_POINTS)
    zero, one = np.zeros_like(t), np.ones_like(t)
    if source.crs == crs:
        t = zero = np.zeros(1)
        one = np.ones(1)
    cols = np.concatenate([t, one, 1 - t, zero]) * source.width
    rows = np.concatenate([zero, t, one, 1 - t]) * source.height
    xs, ys = source.transform * (cols, rows)
    if source.crs != crs:
        with source.failures("cannot be related to the before raster's CRS"):
            xs, ys = transform_points(source.crs, crs, xs, ys)
    points = np.column_stack([xs, ys])
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 3:
        return shapely.Polygon()
    return shapely.make_valid(around.unwrapped(shapely.Polygon(points), around.turn(crs)))


def _moved_back(alignment: Alignment, transform: Any, points: np.ndarray) -> np.ndarray:
    """Where the ground that the AFTER raster has at points (n, 2) of its nominal place really lies."""
    return np.column_stack(transform * alignment.origin(*(~transform * (points[:, 0], points[:, 1]))))


def _padded(array: np.ndarray, size_px: int) -> np.ndarray:
    missing = [(0, max(0, size_px - size)) for size in array.shape[-2:]]
    if not any(after for _, after in missing):
        return array
    return np.pad(array, [(0, 0)] * (array.ndim - 2) + missing)


def _extent(geometry: Any) -> str:
    return "(" + ", ".join(f"{value:.8g}" for value in geometry.bounds) + ")" if not geometry.is_empty else "(nowhere in this CRS)"
