"""One raster, read in windows of another pixel grid.

Where the raster's own grid is the wanted one (or lies a whole number of pixels beside it), windows are read as they are. Else the
source window under the tile is read, decimated with averaging where the wanted pixel is about three or more source pixels wide, and warped
bilinearly (GDAL widens the kernel when it shrinks, so nothing aliases). Warping weights by validity: values of invalid pixels
never leak into valid ones, whatever said that they are invalid. Only the windows asked for are ever in memory.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.transform import array_bounds
from rasterio.warp import reproject, transform
from rasterio.windows import Window

from ..contract.errors import RasterError
from ..contract.validity import Validity
from . import access, around
from .bands import choose_bands, has_palette
from .georeference import verify_place
from .matching.blocks import verify_blocks
from .validity.alpha import find_alpha
from .validity.fill import fill_note, find_fills
from .validity.overviews import are_stale
from .validity.pixels import PixelValidity, averaged
from .validity.user_mask import UserMask

# GDAL's cache of blocks, in MB; its default is 5 % of the machine's memory, which on long runs looks like a leak. GDAL reads this
# once, at the first block, so that rasterio.Env would have to surround whichever read is the first.
os.environ.setdefault("GDAL_CACHEMAX", "128")
access.limit()
_ALIGNED_PX = 0.01
_LATTICE = 9
# Where we average instead of GDAL, up to so many pixels are picked a side for each wanted one; up to that step all of them.
MOST_PICKED = 8


class RasterSource:
    """A raster opened for reading; picklable (each copy opens the file again), not to be shared by threads.

    Attributes
    ----------
    path, name : str
        File, and "before" or "after" for messages.
    crs, transform, height, width : of the file.
    turn : float or None
        How far x runs once round the earth (``around.turn``).
    bands : tuple of 3 int
        Bands for red, green, blue, counted from 1.
    dtype : numpy dtype of the pixels after a palette was applied.
    notes : list of str
        What the user should know; ``settle`` may add to them.
    """

    def __init__(self, path: str, name: str, bands: Sequence[int] | None = None, validity: Validity | None = None):
        self.path, self.name, validity = path, name, validity or Validity()
        self._dataset: Any = None
        self._overviews, self._settled, self._mask = True, False, None
        self._aligned: tuple[Any, Any, tuple[int, int] | None] | None = None  # grid, and what was found of it
        self._signature = _signature(path)
        with self.failures("cannot be read"):  # to open it alone says so itself
            dataset = self.dataset
            self.crs, self.transform = dataset.crs, dataset.transform
            self.height, self.width = dataset.height, dataset.width
            self._verify(dataset)
            self.turn = around.turn(self.crs)
            # Round the whole earth: its last column lies beside its first, which only warping knows.
            self._is_closed = self.turn is not None and abs(abs(self.transform.a) * self.width - self.turn) < abs(self.transform.a)
            alpha, hides = find_alpha(dataset, validity.nodata.alpha, name)
            self.bands, note = choose_bands(dataset, bands, name, alpha.band if alpha else None)
            self._palette = _palette(dataset, self.bands)
            self._mask = UserMask(validity.mask, name) if validity.mask else None
            self._validity = PixelValidity(dataset, list(dict.fromkeys(self.bands)), alpha, validity)
        self._finds_fill = validity.fill == "auto" and self._palette is None  # areas of one index are what a palette is for
        self.notes = [text for text in (hides, note, self._mask and self._mask.note) if text]
        self.dtype = np.dtype("uint8") if self._palette is not None else np.result_type(*(dataset.dtypes[band - 1] for band in self.bands))

    @property
    def dataset(self) -> Any:
        if self._dataset is None:
            with self.failures("cannot be opened"):
                self._dataset = rasterio.open(self.path) if self._overviews else rasterio.open(self.path, overview_level="NONE")
        return self._dataset

    def close(self) -> None:
        if self._dataset is not None:
            self._dataset.close()
            self._dataset = None
        if self._mask is not None:
            self._mask.close()

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_dataset": None, "_mask": copy.copy(self._mask)}

    @contextmanager
    def failures(self, what: str) -> Any:
        """Turn what GDAL raises into a RasterError that names the file."""
        access.allow(self.path)
        try:
            yield
        except (RasterioError, CPLE_BaseError, OSError) as error:
            reason = str(error.__cause__ or error)
            if access.was_refused(reason):
                raise RasterError(
                    f"the {self.name} raster {self.path} refers to data on the network ({reason})",
                    "a raster whose data are on this computer, or a URL as the raster itself",
                    f"name the URL, or set {access.ALLOW}=1 in the environment if you trust the file",
                ) from error
            if not os.path.exists(self.path) and self._signature is None and "://" not in self.path and not self.path.startswith("/vsi"):
                reason = "there is no such file"
            raise RasterError(
                f"the {self.name} raster {self.path} {what} ({reason})",
                "a complete raster file that GDAL reads",
                "check the path, and the file with `gdalinfo -checksum`; copy or download it again if it is damaged",
            ) from error

    def _verify(self, dataset: Any) -> None:
        if dataset.count == 0:
            raise RasterError(
                f"the {self.name} raster {self.path} is a container of {len(dataset.subdatasets)} rasters",
                "one raster",
                _how_to_name(dataset.subdatasets),
            )
        verify_blocks(self.path, self.name, dataset)
        if any(dtype.startswith("complex") for dtype in dataset.dtypes):
            raise RasterError(f"the {self.name} raster {self.path} holds complex numbers", "real values", "derive an intensity image first")
        verify_place(self.path, self.name, dataset)

    def verify_unchanged(self) -> None:
        """Notice a local file that was deleted or overwritten since it was opened.

        Raises
        ------
        RasterError
        """
        if self._signature is not None and _signature(self.path) != self._signature:
            gone = "was deleted" if _signature(self.path) is None else "was overwritten"
            raise RasterError(
                f"the {self.name} raster {self.path} {gone} while it was being read",
                "a file that stays as it is during the run",
                "put it back and run again with --resume",
            )

    def settle(self, crs: Any, grid_transform: Any, window: Any) -> None:
        """Decide what needs looks at the pixels, before the first read: whether the overviews can be used, and where fill lies that no tag declares.

        Parameters
        ----------
        crs, grid_transform : the wanted grid.
        window : of it, in the middle of what will be read; its decimation stands for all.

        Raises
        ------
        RasterError
            The file cannot be read.
        """
        if self._settled:
            return
        self._settled = True
        if self._mask is not None:
            self._mask.verify_touches(self.crs, array_bounds(self.height, self.width, self.transform))
        with self.failures("cannot be read"):
            step = 1
            if self._aligned_offset(crs, grid_transform) is None:
                tile = grid_transform * rasterio.Affine.translation(int(window.col_off), int(window.row_off))
                step = max((step for _, step, _ in self._windows_under(crs, tile, int(window.height), int(window.width))), default=1)
            if step > 1 and are_stale(self.path, self.dataset, self.bands[0], step, self._valid_at):
                self.close()
                self._overviews = False
                self.notes.append(
                    f"the overviews of the {self.name} raster do not show its pixels: read at full resolution; rebuild them with gdaladdo"
                )
            if self._finds_fill and (
                fills := find_fills(self.dataset, self._validity.bands, partial(self._validity.read, self.dataset), self._validity.kept)
            ):
                self._validity.add_fills(fills)
                self.notes.append(fill_note(self.name, fills))

    def _valid_at(self, window: Window) -> np.ndarray:
        return self._validity.read(self.dataset, self.dataset.read(list(self._validity.bands), window=window), window)

    def read(self, crs: Any, grid_transform: Any, window: Any) -> tuple[np.ndarray, np.ndarray]:
        """A window of the wanted grid.

        Parameters
        ----------
        crs, grid_transform : the wanted grid.
        window : row_off, col_off, height, width in its pixels; may lie partly or wholly outside the raster.

        Returns
        -------
        pixels : (3, h, w) uint8 of a raster of bytes that is read on its own grid, else float32; 0 where invalid
        valid : (h, w) bool

        Raises
        ------
        RasterError
            The file is gone, was changed, or cannot be read there.
        """
        self.verify_unchanged()
        self.settle(crs, grid_transform, window)
        with self.failures("cannot be read"):
            offset = self._aligned_offset(crs, grid_transform)
            pixels, valid = self._read_warped(crs, grid_transform, window) if offset is None else self._read_aligned(window, *offset)
        if self._mask is None:
            return pixels, valid
        valid &= ~self._mask.covers(crs, grid_transform, window)
        return np.where(valid, pixels, 0), valid

    @property
    def is_grey(self) -> bool:
        """Whether one band is shown as all three colours."""
        return len(set(self.bands)) == 1 and self._palette is None

    def is_file(self, other: RasterSource) -> bool:
        """Whether both are read from one file."""
        if self.path == other.path:
            return True
        return self._signature is not None and other._signature is not None and os.path.samefile(self.path, other.path)

    def go_round_to(self, other: RasterSource) -> None:
        """Give coordinates in the other raster's turn round the earth, where both have one CRS: 180.1° beside 180°, not −179.9°."""
        if self.crs == other.crs:
            middle, wanted = ((source.transform * (source.width / 2, source.height / 2))[0] for source in (self, other))
            self.transform = rasterio.Affine.translation((self.turn or 0) * around.turns_to(middle, wanted, self.turn), 0) * self.transform

    def _aligned_offset(self, crs: Any, grid_transform: Any) -> tuple[int, int] | None:
        """Rows and columns from the wanted grid's origin to ours, if the pixels of both coincide; asked of the same grid for every tile."""
        if self._aligned is None or self._aligned[0] is not crs or self._aligned[1] is not grid_transform:
            self._aligned = (crs, grid_transform, self._offset_to(crs, grid_transform))
        return self._aligned[2]

    def _offset_to(self, crs: Any, grid_transform: Any) -> tuple[int, int] | None:
        if crs != self.crs or self._is_closed:
            return None
        to_source = ~self.transform * grid_transform
        col, row = to_source.c, to_source.f
        offset = (round(row), round(col))
        for x, y in ((0, 0), (self.width, 0), (0, self.height)):
            at = to_source * (x, y)
            if abs(at[0] - x - offset[1]) > _ALIGNED_PX or abs(at[1] - y - offset[0]) > _ALIGNED_PX:
                return None
        return offset

    def _read_aligned(self, window: Any, row_shift: int, col_shift: int) -> tuple[np.ndarray, np.ndarray]:
        height, width = int(window.height), int(window.width)
        top, left = int(window.row_off) + row_shift, int(window.col_off) + col_shift
        row0, row1 = max(top, 0), min(top + height, self.height)
        col0, col1 = max(left, 0), min(left + width, self.width)
        if row0 >= row1 or col0 >= col1:
            return np.zeros((3, height, width), np.float32), np.zeros((height, width), bool)
        pixels, valid = self._read_own(Window(col0, row0, col1 - col0, row1 - row0), 1)
        beyond = ((row0 - top, top + height - row1), (col0 - left, left + width - col1))
        if any(map(any, beyond)):
            pixels, valid = np.pad(pixels, ((0, 0), *beyond)), np.pad(valid, beyond)
        return pixels, valid

    def _read_warped(self, crs: Any, grid_transform: Any, window: Any) -> tuple[np.ndarray, np.ndarray]:
        height, width = int(window.height), int(window.width)
        tile_transform = grid_transform * rasterio.Affine.translation(int(window.col_off), int(window.row_off))
        warped = np.zeros((4, height, width), np.float32)
        for own, step, by in self._windows_under(crs, tile_transform, height, width):
            pixels, valid = self._read_own(own, step)
            scale = rasterio.Affine.scale(own.width / pixels.shape[2], own.height / pixels.shape[1])
            part = np.zeros_like(warped)
            reproject(
                np.concatenate([pixels, valid[None]], dtype=np.float32),
                part,
                src_transform=rasterio.Affine.translation(-by, 0) * self.transform * rasterio.Affine.translation(own.col_off, own.row_off) * scale,
                src_crs=self.crs,
                dst_transform=tile_transform,
                dst_crs=crs,
                resampling=Resampling.bilinear,
            )
            warped = np.where(part[3] > warped[3], part, warped)
        weight = warped[3]
        valid = weight >= 0.5
        return np.where(valid, warped[:3] / np.maximum(weight, 0.5), 0).astype(np.float32), valid

    def _windows_under(self, crs: Any, tile_transform: Any, height: int, width: int) -> Iterator[tuple[Window, int, float]]:
        """Own windows that hold the tile with a margin for the kernel, by how much to decimate each, and how far right of where PROJ has it it lies.

        It is one window, unless the tile lies on a cut: that of the CRS (the antimeridian), or where a raster of the whole earth begins.
        """
        steps = np.linspace(0, 1, _LATTICE)
        cols, rows = (values.ravel() for values in np.meshgrid(steps * width, steps * height))
        xs, ys = tile_transform * (cols, rows)
        if crs != self.crs:
            xs, ys = transform(crs, self.crs, xs, ys)
        xs, ys = np.asarray(xs), np.asarray(ys)
        seen = np.isfinite(xs) & np.isfinite(ys)
        if not seen.any():
            return
        xs, ys = xs[seen], ys[seen]
        corners = [(self.transform * corner)[0] for corner in ((0, 0), (self.width, 0), (self.width, self.height), (0, self.height))]
        for lattice, by in around.copies(xs, min(corners), max(corners), self.turn):
            window, step = self._window_around(lattice, ys, height, width)
            if window is not None:
                yield from ((window, step, away) for away in by)

    def _window_around(self, xs: np.ndarray, ys: np.ndarray, height: int, width: int) -> tuple[Window | None, int]:
        """Own window that holds the places of a tile's lattice with a margin for the kernel, and by how much to decimate it."""
        own_cols, own_rows = ~self.transform * (xs, ys)
        col0, col1 = own_cols.min(), own_cols.max()
        row0, row1 = own_rows.min(), own_rows.max()
        step = max(1, int(min((col1 - col0) / width, (row1 - row0) / height) / np.sqrt(2)))
        # Two source pixels for the kernel, more where it is widened or the lattice missed a bulge of the edge.
        margin_col, margin_row = (2 * step + 2 + 3 * span / size + span / 50 for span, size in ((col1 - col0, width), (row1 - row0, height)))
        left, right = _snap(col0 - margin_col, col1 + margin_col, step, self.width)
        top, bottom = _snap(row0 - margin_row, row1 + margin_row, step, self.height)
        if left >= right or top >= bottom:
            return None, 1
        return Window(left, top, right - left, bottom - top), step

    def _read_own(self, window: Window, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Own pixels (3, h, w), uint8 or float32, and validity; each ``step`` × ``step`` pixels averaged into one."""
        bands = list(self._validity.bands)
        picked = min(step, MOST_PICKED) if self._validity.by_pixels else 1
        shape = (len(bands), -(-int(window.height) // step) * picked, -(-int(window.width) // step) * picked)
        average = self._palette is None and not self._validity.by_pixels
        pixels = self.dataset.read(bands, window=window, out_shape=shape, resampling=Resampling.average if average else Resampling.nearest)
        valid = self._validity.read(self.dataset, pixels, window)
        if self._palette is not None:
            colours = self._palette[pixels[0].astype(np.intp)]
            valid &= colours[..., 3] > 0
            chosen = np.moveaxis(colours[..., :3], -1, 0)
        else:
            chosen = pixels if len(bands) == 3 else pixels[[bands.index(band) for band in self.bands]]
        if picked > 1:
            return averaged(chosen, valid, picked)
        if chosen.dtype != np.uint8:  # bytes stay bytes: most rasters are, and every pass over a tile counts
            chosen = chosen.astype(np.float32)
        return chosen if valid.all() else np.where(valid, chosen, 0), valid


def _how_to_name(subdatasets: Sequence[str]) -> str:
    """How to use the rasters in a container."""
    if not subdatasets:
        return "choose a raster with bands"
    do = "name one of: " + ", ".join(subdatasets[:5])
    if len(subdatasets) >= 3:  # a variable a colour
        quoted = " ".join(f"'{name}'" for name in subdatasets[:3])
        do += f"; or make those of red, green and blue one raster, for example: gdalbuildvrt -separate rgb.vrt {quoted}"
    return do


def _palette(dataset: Any, bands: Sequence[int]) -> np.ndarray | None:
    """(65536 or 256, 4) uint8 RGBA by pixel value, transparent where the colour table has no entry."""
    if not has_palette(dataset, bands):
        return None
    table = np.zeros((np.iinfo(dataset.dtypes[bands[0] - 1]).max + 1, 4), np.uint8)
    for value, colour in dataset.colormap(bands[0]).items():
        table[value] = colour
    return table


def _signature(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _snap(low: float, high: float, step: int, size: int) -> tuple[int, int]:
    """Whole pixels around low..high on multiples of step, so that neighbouring tiles decimate alike; clipped to 0..size."""
    return max(0, int(np.floor(low / step)) * step), min(size, int(np.ceil(high / step)) * step)
