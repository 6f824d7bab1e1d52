"""Tiles cut to the area: which pixels of a tile lie inside the polygons."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from affine import Affine
from rasterio.features import rasterize

from .grid import TileGrid

_BAND_PX = 8192


class Clip:
    """The area in pixels of the grid; picklable. May be shared by threads."""

    def __init__(self, polygon: Any):
        self.polygon = polygon
        self._strip: tuple[int, int, Any] | None = None  # first row, end row, and the polygon between them

    @classmethod
    def of(cls, grid: TileGrid) -> Clip | None:
        """The clip to a grid's area; None where the area is the whole raster."""
        if grid.area is None:
            return None
        inverse = ~grid.transform
        polygon = shapely.transform(grid.area, lambda points: np.column_stack(inverse * (points[:, 0], points[:, 1])))
        return cls(polygon if polygon.is_valid else shapely.make_valid(polygon))

    def inside(self, window: Any) -> np.ndarray:
        """Which pixels of a window have their centre in the area; where none has, those that the area touches.

        Parameters
        ----------
        window : row_off, col_off, height, width in pixels of the grid

        Returns
        -------
        (height, width) bool
        """
        left, top, shape = window.col_off, window.row_off, (window.height, window.width)
        box = shapely.box(left, top, left + window.width, top + window.height)
        near = self._near(top, top + window.height)
        if shapely.contains_properly(near, box):
            return np.ones(shape, bool)
        parts = shapely.intersection(near, box)
        if parts.is_empty:
            return np.zeros(shape, bool)
        place = Affine.translation(left, top)
        centres = rasterize([parts], out_shape=shape, transform=place, dtype="uint8")
        return (centres if centres.any() else rasterize([parts], out_shape=shape, transform=place, all_touched=True, dtype="uint8")) > 0

    def _near(self, top: int, bottom: int) -> Any:
        """The area about some rows, prepared: a country's border has too many points to be cut tile by tile."""
        strip = self._strip
        if strip is None or not strip[0] < top < bottom < strip[1]:
            first, end = top - _BAND_PX, bottom + _BAND_PX
            left, _, right, _ = self.polygon.bounds
            polygon = shapely.intersection(self.polygon, shapely.box(left - 1, first, right + 1, end))
            shapely.prepare(polygon)
            strip = self._strip = (first, end, polygon)
        return strip[2]

    def __getstate__(self) -> dict:
        return {"polygon": self.polygon, "_strip": None}
