"""RasterPair: two files on one pixel grid, the BEFORE raster's own or one of a wanted ground resolution."""

from __future__ import annotations

import math

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points

from ..errors import InputError, NoOverlapError
from ..schema import CaptionRequest, TileRef
from .grid import PixelWindow
from .source import GridView, choose_bands, metres_per_pixel, open_raster
from .stretch import Stretch, fit_stretch

# The stretch is fitted on up to 5 × 5 windows of 256 pixels spread over the overlap: memory and time do not grow with the raster.
SAMPLE_WINDOWS, SAMPLE_PX = 5, 256
# Ground resolutions further apart than this are said.
GSD_RATIO = 1.5


class RasterPair:
    """Two rasters of one place on one pixel grid. A context manager.

    Attributes
    ----------
    crs, transform, height, width : of the grid
    gsd_m : ground size of a pixel, metres
    window : PixelWindow of the grid that both rasters cover (the bounding box)
    warnings : what the user should know (list of str)
    before_bands, after_bands : the bands that are read
    """

    def __init__(self, request: CaptionRequest, gsd_m_model: float, stretches: tuple[Stretch, Stretch] | None = None):
        self.request, self.gsd_m_model = request, gsd_m_model
        self._before = open_raster(request.before)
        try:
            self._after = open_raster(request.after)
        except InputError:
            self._before.close()
            raise
        self.before_bands = choose_bands(self._before, request.before_bands)
        self.after_bands = choose_bands(self._after, request.after_bands)
        self.crs: CRS = self._before.crs
        self.transform, self.height, self.width, self.gsd_m = self._grid()
        self.window = self._overlap()
        grid = (self.crs, self.transform, self.height, self.width)
        self._views = (GridView(self._before, self.before_bands, *grid), GridView(self._after, self.after_bands, *grid))
        self.warnings = self._warnings()
        self._stretches = stretches or self._fit_stretches()

    @classmethod
    def open(cls, request: CaptionRequest, gsd_m_model: float) -> RasterPair:
        """Open both rasters of a verified request.

        Raises
        ------
        RasterError
            A file is missing, unreadable, or has no CRS.
        NoOverlapError
            The rasters share no ground.
        InputError
            A band that is not there, or a stretch that does not fit.
        """
        return cls(request, gsd_m_model)

    def reopen(self) -> RasterPair:
        """The same pair for another thread (GDAL data sets are not to be shared), without fitting the stretch again."""
        return RasterPair(self.request, self.gsd_m_model, self._stretches)

    def close(self) -> None:
        for view in self._views:
            view.close()
        self._before.close()
        self._after.close()

    def __enter__(self) -> RasterPair:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def read(self, ref: TileRef) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Pixels of a tile, padded to the full tile where it is cut off by the raster's edge.

        Returns
        -------
        before, after : uint8 (3, tile_px, tile_px); 0 where invalid
        valid_before, valid_after : bool (tile_px, tile_px)

        Raises
        ------
        RasterError
            Pixels cannot be read.
        """
        size = self.request.tile_px
        pixels, masks = [], []
        for view, stretch in zip(self._views, self._stretches):
            data, valid = view.read(ref.row_off, ref.col_off, ref.height, ref.width)
            full, mask = np.zeros((3, size, size), np.uint8), np.zeros((size, size), bool)
            full[:, : ref.height, : ref.width] = np.where(valid, stretch.apply(data), 0)
            mask[: ref.height, : ref.width] = valid
            pixels.append(full)
            masks.append(mask)
        return pixels[0], pixels[1], masks[0], masks[1]

    def _grid(self) -> tuple[Affine, int, int, float]:
        source, wanted = self._before, self.request.resolution
        size_m = metres_per_pixel(source.crs, source.transform, source.height, source.width)
        native = math.sqrt(size_m[0] * size_m[1])
        if wanted == "native":
            return source.transform, source.height, source.width, native
        target = self.gsd_m_model if wanted == "model" else float(wanted)
        down, along = target / size_m[0], target / size_m[1]
        height, width = max(1, round(source.height / down)), max(1, round(source.width / along))
        return source.transform * Affine.scale(along, down), height, width, target

    def _overlap(self) -> PixelWindow:
        """The grid's window around the AFTER raster's outline, points along its edges taken into the grid's CRS."""
        steps = np.linspace(0, 1, 21)
        w, h = self._after.width, self._after.height
        edge = [(t * w, 0) for t in steps] + [(t * w, h) for t in steps] + [(0, t * h) for t in steps] + [(w, t * h) for t in steps]
        xs, ys = zip(*(self._after.transform * point for point in edge))
        if self._after.crs != self.crs:
            xs, ys = transform_points(self._after.crs, self.crs, xs, ys)
        pixels = [~self.transform * point for point in zip(xs, ys) if all(map(math.isfinite, point))]
        if pixels:
            cols, rows = zip(*pixels)
            # A hundredth of a pixel of rounding does not make another column.
            window = PixelWindow(
                max(0, math.floor(min(rows) + 0.01)),
                max(0, math.floor(min(cols) + 0.01)),
                min(self.height, math.ceil(max(rows) - 0.01)),
                min(self.width, math.ceil(max(cols) - 0.01)),
            )
            if window.row_start < window.row_stop and window.col_start < window.col_stop:
                return window
        before, after = _extent_text(self._before), _extent_text(self._after)
        self._before.close()
        self._after.close()
        raise NoOverlapError(
            f"{self.request.before} ({before}) and {self.request.after} ({after}) share no ground",
            "two rasters of one place",
            "check that both belong together and that each has its right CRS",
        )

    def _warnings(self) -> list[str]:
        found = []
        if self._after.crs != self.crs:
            found.append(f"The after raster is reprojected from {_crs_text(self._after.crs)} to {_crs_text(self.crs)}.")
        elif self._views[1].warped and self.request.resolution == "native":
            found.append("The after raster lies on another pixel grid and is resampled to the before raster's.")
        size_m = metres_per_pixel(self._after.crs, self._after.transform, self._after.height, self._after.width)
        after_m = math.sqrt(size_m[0] * size_m[1])
        own_m = metres_per_pixel(self.crs, self._before.transform, self._before.height, self._before.width)
        before_m = math.sqrt(own_m[0] * own_m[1])
        if max(after_m, before_m) > GSD_RATIO * min(after_m, before_m):
            found.append(
                f"Ground resolutions differ: before {before_m:.3g} m, after {after_m:.3g} m a pixel; fine changes may be missed or invented."
            )
        if max(self.gsd_m, self.gsd_m_model) > 2 * min(self.gsd_m, self.gsd_m_model):
            found.append(
                f"A pixel is {self.gsd_m:.3g} m on the ground; the model was trained at {self.gsd_m_model:.3g} m. "
                + (
                    "Resolution 'model' resamples the pair."
                    if self.gsd_m < self.gsd_m_model
                    else "Expect weak captions: detail that is not there cannot be made."
                )
            )
        return found

    def sample_windows(self, count: int = SAMPLE_WINDOWS, size: int = SAMPLE_PX) -> list[tuple[int, int, int, int]]:
        """(row_off, col_off, height, width) of up to count² windows spread evenly over the overlap."""
        area = self.window

        def starts(start: int, stop: int) -> list[int]:
            last = max(start, stop - size)
            return sorted({round(start + (last - start) * (i + 0.5) / count) for i in range(count)} if stop - start > size else {start})

        rows, cols = starts(area.row_start, area.row_stop), starts(area.col_start, area.col_stop)
        return [(r, c, min(size, area.row_stop - r), min(size, area.col_stop - c)) for r in rows for c in cols]

    def _fit_stretches(self) -> tuple[Stretch, Stretch]:
        fitted = []
        for view, name in zip(self._views, (self.request.before, self.request.after)):
            if self.request.stretch == "none":
                fitted.append(fit_stretch(np.zeros((3, 0)), view.dtype, "none", name))
                continue
            samples = []
            for window in self.sample_windows():
                data, valid = view.read(*window)
                samples.append(data[:, valid])
            fitted.append(fit_stretch(np.concatenate(samples, axis=1), view.dtype, "percentile", name))
        return fitted[0], fitted[1]


def _extent_text(source: rasterio.DatasetReader) -> str:
    left, bottom, right, top = source.bounds
    return f"{_crs_text(source.crs)}, x {left:.6g} to {right:.6g}, y {bottom:.6g} to {top:.6g}"


def _crs_text(crs: CRS) -> str:
    authority = crs.to_authority()
    return ":".join(authority) if authority else crs.to_wkt()[:40] + "…"
