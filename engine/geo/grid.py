"""TileGrid: which windows cover an area. Pure geometry, no I/O.

Pixel coordinates are (row, col) counted from the raster's upper left corner; map coordinates are (x, y). Tile indexes are counted
from the raster's own corner too, so that the same ground has the same tile_id whatever the area asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from affine import Affine
from shapely import affinity
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry
from shapely.prepared import prep

from ..errors import AreaError
from ..schema import TileRef

# A tile that shares less than this with the area of interest only touches it.
MIN_SHARED_PX2 = 1e-6


@dataclass(frozen=True)
class PixelWindow:
    """Pixels [row_start, row_stop) × [col_start, col_stop)."""

    row_start: int
    col_start: int
    row_stop: int
    col_stop: int


class TileGrid:
    """Square tiles over a raster's pixel grid.

    Parameters
    ----------
    height, width : int
        Size of the pixel grid.
    transform : Affine
        Pixel (col, row) → map (x, y); may be rotated.
    crs : any
        Carried along.
    tile_px, overlap_px : int
        Tile side and the overlap of neighbours. The last tile of a row or column is cut off at the raster's edge.
    window : PixelWindow, optional
        Only tiles that share pixels with it.
    aoi : shapely polygon in map coordinates, optional
        Only tiles that share an area with it.

    Raises
    ------
    AreaError
        The window or the polygon shares no pixel with the raster.
    """

    def __init__(
        self,
        height: int,
        width: int,
        transform: Affine,
        crs: Any,
        tile_px: int,
        overlap_px: int = 0,
        window: PixelWindow | None = None,
        aoi: BaseGeometry | None = None,
    ):
        self.height, self.width, self.transform, self.crs = height, width, transform, crs
        self.tile_px, self.stride_px = tile_px, tile_px - overlap_px
        self.rows, self.cols = (self._count(size) for size in (height, width))
        window = window or PixelWindow(0, 0, height, width)
        self._aoi = None
        if aoi is not None:
            pixels = affinity.affine_transform(aoi, _shapely_order(~transform)).intersection(box(0, 0, width, height))
            if pixels.area <= MIN_SHARED_PX2:
                raise AreaError("an area of interest that does not cover any of the raster", "a polygon over both rasters", "check its place and CRS")
            self._aoi = prep(pixels)
            left, top, right, bottom = pixels.bounds
            window = PixelWindow(
                max(window.row_start, int(top)),
                max(window.col_start, int(left)),
                min(window.row_stop, -int(-bottom // 1)),
                min(window.col_stop, -int(-right // 1)),
            )
        if window.row_start >= window.row_stop or window.col_start >= window.col_stop:
            raise AreaError("an area without a pixel of the raster", "an area over both rasters", "check the extent and its CRS")
        self._row_range = self._range(window.row_start, window.row_stop, height, self.rows)
        self._col_range = self._range(window.col_start, window.col_stop, width, self.cols)

    def __iter__(self) -> Iterator[TileRef]:
        """Tiles of the area, row by row; nothing is kept in memory."""
        for row in self._row_range:
            for col in self._col_range:
                ref = self.ref(row, col)
                if self._aoi is None or self._shares_area(ref):
                    yield ref

    def __len__(self) -> int:
        if self._aoi is None:
            return len(self._row_range) * len(self._col_range)
        return sum(1 for _ in self)

    def ref(self, row: int, col: int) -> TileRef:
        """The tile at an index, its window clipped to the raster."""
        row_off, col_off = row * self.stride_px, col * self.stride_px
        return TileRef(row, col, row_off, col_off, min(self.tile_px, self.height - row_off), min(self.tile_px, self.width - col_off))

    def footprint(self, ref: TileRef) -> tuple[tuple[float, float], ...]:
        """The closed ring of a tile's outline in map coordinates, exact to the pixel."""
        top, left, bottom, right = ref.row_off, ref.col_off, ref.row_off + ref.height, ref.col_off + ref.width
        corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
        return tuple(self.transform * corner for corner in corners)

    def at(self, x: float, y: float) -> TileRef | None:
        """The tile under a map point, or None outside the raster. Where tiles overlap, the last one that begins there."""
        col_px, row_px = ~self.transform * (x, y)
        if not (0 <= row_px < self.height and 0 <= col_px < self.width):
            return None
        return self.ref(min(int(row_px // self.stride_px), self.rows - 1), min(int(col_px // self.stride_px), self.cols - 1))

    def _shares_area(self, ref: TileRef) -> bool:
        tile = box(ref.col_off, ref.row_off, ref.col_off + ref.width, ref.row_off + ref.height)
        if self._aoi.contains(tile):
            return True
        return self._aoi.intersects(tile) and self._aoi.context.intersection(tile).area > MIN_SHARED_PX2

    def _count(self, size: int) -> int:
        return 1 + max(0, -(-(size - self.tile_px) // self.stride_px))

    def _range(self, start: int, stop: int, size: int, count: int) -> range:
        """Indexes of the tiles that share pixels with [start, stop)."""
        first = max(0, (start - self.tile_px) // self.stride_px + 1)
        last = min(count - 1, (stop - 1) // self.stride_px)
        return range(min(first, count - 1), last + 1)


def _shapely_order(transform: Affine) -> list[float]:
    return [transform.a, transform.b, transform.d, transform.e, transform.c, transform.f]
