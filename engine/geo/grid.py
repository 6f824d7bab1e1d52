"""Tiles of a pixel grid: pure geometry, nothing is read.

Tiles lie on a lattice that starts at the raster's upper left with step ``tile_px - overlap_px``; row and column count from there
whatever part is asked for, so the same ground always has the same tile. At the right and lower edge tiles are clipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from affine import Affine

from ..contract.errors import NoOverlapError
from ..contract.tiles import TileRef
from .tileset import TileSet

# Pixels: an area that crosses a pixel's edge by less came from rounding, not from the user.
_ROUNDING_PX = 1e-3
_BAND_ROWS = 32


def pixel_window(geometry: Any, transform: Affine, height: int, width: int) -> TileRef:
    """Smallest window of the raster that holds a geometry given in its CRS; row and col of the result are 0.

    Raises
    ------
    NoOverlapError
        They share no pixel.
    """
    inverse = ~transform
    in_pixels = shapely.transform(geometry, lambda points: np.column_stack(inverse * (points[:, 0], points[:, 1])))
    left, top, right, bottom = (np.nan,) * 4 if in_pixels.is_empty else in_pixels.bounds
    col0, row0 = (int(max(0, np.floor(value + _ROUNDING_PX))) if value == value else 0 for value in (left, top))
    col1, row1 = (int(min(size, np.ceil(value - _ROUNDING_PX))) if value == value else 0 for value, size in ((right, width), (bottom, height)))
    if row0 >= row1 or col0 >= col1:
        raise NoOverlapError("an area that covers no pixel of the raster", "an area on the raster", "check the area and its CRS")
    return TileRef(0, 0, row0, col0, row1 - row0, col1 - col0)


@dataclass(frozen=True)
class TileGrid:
    """Which tiles cover the area.

    Parameters
    ----------
    height, width : int
        Size of the raster, pixels.
    transform : Affine
        Pixel (col, row) to (x, y); rotation and shear allowed.
    crs : any
        Of the coordinates; carried along.
    tile_px, overlap_px : int
        Side of a tile and overlap of neighbours.
    area : shapely Polygon or MultiPolygon, or None
        In ``crs``; only tiles that share some ground with it count, a common line or point is none. None: the whole raster.
    """

    height: int
    width: int
    transform: Affine
    crs: Any
    tile_px: int = 256
    overlap_px: int = 0
    area: Any = None

    def __post_init__(self) -> None:
        if not (self.height > 0 and self.width > 0 and 0 <= self.overlap_px < self.tile_px):
            raise ValueError(f"no grid of {self.height} × {self.width} pixels has tiles of {self.tile_px} with an overlap of {self.overlap_px}")

    @property
    def stride_px(self) -> int:
        return self.tile_px - self.overlap_px

    @property
    def rows(self) -> int:
        """Rows of tiles over the whole raster."""
        return self._count(self.height)

    @property
    def cols(self) -> int:
        """Columns of tiles over the whole raster."""
        return self._count(self.width)

    def _count(self, size: int) -> int:
        # The last tile is the first one that reaches the edge; another would only repeat its overlap.
        return 1 + max(0, -(-(size - self.tile_px) // self.stride_px))

    @cached_property
    def window(self) -> TileRef:
        """Pixels that the area covers."""
        if self.area is None:
            return TileRef(0, 0, 0, 0, self.height, self.width)
        return pixel_window(self.area, self.transform, self.height, self.width)

    @cached_property
    def _polygon(self) -> Any:
        """The area in pixels where it is more complex than ``window``, prepared; else None."""
        if self.area is None:
            return None
        inverse = ~self.transform
        polygon = shapely.transform(self.area, lambda points: np.column_stack(inverse * (points[:, 0], points[:, 1])))
        if not polygon.is_valid:
            polygon = shapely.make_valid(polygon)
        window = self.window
        inside = shapely.box(
            window.col_off + _ROUNDING_PX,
            window.row_off + _ROUNDING_PX,
            window.col_off + window.width - _ROUNDING_PX,
            window.row_off + window.height - _ROUNDING_PX,
        )
        if polygon.covers(inside):
            return None
        shapely.prepare(polygon)
        return polygon

    def _span(self, offset: int, size: int, count: int) -> range:
        """Indexes of the tiles that share pixels with offset..offset + size."""
        first = max(0, -(-(offset + 1 - self.tile_px) // self.stride_px))
        return range(first, min(count - 1, (offset + size - 1) // self.stride_px) + 1)

    def ref(self, row: int, col: int) -> TileRef:
        """The tile at a place of the lattice, whether or not the area covers it."""
        if not (0 <= row < self.rows and 0 <= col < self.cols):
            raise IndexError(f"no tile at row {row}, column {col} of {self.rows} × {self.cols}")
        row_off, col_off = row * self.stride_px, col * self.stride_px
        return TileRef(row, col, row_off, col_off, min(self.tile_px, self.height - row_off), min(self.tile_px, self.width - col_off))

    def _cols_in_row(self, row: int, col_off: int, width: int, done: TileSet | None = None) -> np.ndarray:
        """Columns of the row's tiles that the area covers, among those that share pixels with col_off..col_off + width, without those done."""
        cols = np.asarray(self._span(col_off, width, self.cols), dtype=int)
        if done is not None:
            cols = cols[~done.mask(row, cols)]
        if self._polygon is None or not len(cols):
            return cols
        first = int(cols[0])
        return cols[self._covered(row, first, int(cols[-1]) + 1)[cols - first]]

    def _covered(self, row: int, first: int, end: int) -> np.ndarray:
        """Bool (end - first,): which of these columns' tiles the area covers. Runs of tiles that lie wholly inside or outside are told at once."""
        polygon, top = self._near(row), row * self.stride_px
        covered = np.zeros(end - first, bool)
        runs = np.array([[first, end]])
        while len(runs):
            right = np.minimum((runs[:, 1] - 1) * self.stride_px + self.tile_px, self.width)
            boxes = shapely.box(runs[:, 0] * self.stride_px, top, right, min(top + self.tile_px, self.height))
            touching = shapely.intersects(polygon, boxes)
            inside = touching & shapely.contains_properly(polygon, boxes)
            for start, stop in runs[inside]:
                covered[start - first : stop - first] = True
            at_edge = touching & ~inside
            single = at_edge & (runs[:, 1] - runs[:, 0] == 1)
            shared = shapely.area(shapely.intersection(polygon, boxes[single])) > _ROUNDING_PX
            covered[runs[single, 0][shared] - first] = True
            runs = runs[at_edge & ~single]
            middle = runs.sum(axis=1, keepdims=True) // 2
            runs = np.concatenate([np.hstack([runs[:, :1], middle]), np.hstack([middle, runs[:, 1:]])])
        return covered

    def _near(self, row: int) -> Any:
        """The area's polygon about a row of tiles, prepared: a country's border has too many points to be asked about tile by tile."""
        band = row // _BAND_ROWS
        if band not in self._bands:
            top, bottom = band * _BAND_ROWS * self.stride_px, (band + 1) * _BAND_ROWS * self.stride_px
            # A margin, so that tiles at the band's edge can lie properly inside.
            strip = shapely.box(-self.tile_px, top - self.tile_px, self.width + self.tile_px, bottom + 2 * self.tile_px)
            polygon = shapely.intersection(self._polygon, strip)
            shapely.prepare(polygon)
            self._bands.clear()
            self._bands[band] = polygon
        return self._bands[band]

    @cached_property
    def _bands(self) -> dict[int, Any]:
        """The band that was asked for last."""
        return {}

    @property
    def spanned(self) -> tuple[range, range]:
        """Rows and columns of tiles that share pixels with the area's window; not all of these tiles need be the area's."""
        window = self.window
        return self._span(window.row_off, window.height, self.rows), self._span(window.col_off, window.width, self.cols)

    def in_row(self, row: int, done: TileSet | None = None) -> list[TileRef]:
        """Tiles of the area in a row, left to right, that are not done."""
        return [self.ref(row, col) for col in self._cols_in_row(row, self.window.col_off, self.window.width, done).tolist()]

    def without(self, done: TileSet) -> TilesLeft:
        """Tiles of the area row by row that are not done; one row of them is in memory at a time."""
        return TilesLeft(self, done)

    def __iter__(self) -> Iterator[TileRef]:
        for row in self.spanned[0]:
            yield from self.in_row(row)

    def sharing(self, polygon: Any) -> Iterator[TileRef]:
        """Tiles of the area that share ground with a polygon given in pixels (x to the right, y down)."""
        area = self.window
        left, top, right, bottom = polygon.bounds
        left, right = max(int(left), area.col_off), min(int(np.ceil(right)), area.col_off + area.width)
        top, bottom = max(int(top), area.row_off), min(int(np.ceil(bottom)), area.row_off + area.height)
        if left >= right or top >= bottom:
            return
        for row in self._span(top, bottom - top, self.rows):
            cols = self._cols_in_row(row, left, right - left)
            x, y = cols * self.stride_px, row * self.stride_px
            shared = shapely.area(shapely.intersection(polygon, shapely.box(x, y, x + self.tile_px, y + self.tile_px)))
            yield from (self.ref(row, int(col)) for col in cols[shared > _ROUNDING_PX])

    @cached_property
    def row_lengths(self) -> dict[int, int]:
        """How many tiles of the area there are in each row that has any."""
        rows, cols = self.spanned
        if self._polygon is None:
            return dict.fromkeys(rows, len(cols))
        lengths = ((row, len(self._cols_in_row(row, self.window.col_off, self.window.width))) for row in rows)
        return {row: length for row, length in lengths if length}

    @cached_property
    def _length(self) -> int:
        return sum(self.row_lengths.values())

    def __len__(self) -> int:
        return self._length

    def footprint(self, ref: TileRef) -> tuple[tuple[float, float], ...]:
        """Closed ring of a tile's corners (x, y) in ``crs``: upper left, upper right, lower right, lower left as the pixels lie."""
        left, top, right, bottom = ref.col_off, ref.row_off, ref.col_off + ref.width, ref.row_off + ref.height
        t = self.transform  # written out: affine's own product takes ten times as long, and warns
        corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
        return tuple((col * t.a + row * t.b + t.c, col * t.d + row * t.e + t.f) for col, row in corners)

    def at(self, x: float, y: float) -> TileRef | None:
        """The tile under a point; where tiles overlap, the one whose centre is nearest; None outside the area's tiles."""
        col_px, row_px = ~self.transform * (x, y)
        if not (0 <= row_px < self.height and 0 <= col_px < self.width):
            return None
        half = self.tile_px / 2
        rows = set(self._span(int(row_px), 1, self.rows)) & set(self._span(self.window.row_off, self.window.height, self.rows))
        best = None
        for row in sorted(rows):
            for col in self._cols_in_row(row, self.window.col_off, self.window.width):
                ref = self.ref(row, int(col))
                if ref.col_off <= col_px < ref.col_off + ref.width:
                    distance = (ref.row_off + half - row_px) ** 2 + (ref.col_off + half - col_px) ** 2
                    if best is None or distance < best[0]:
                        best = (distance, ref)
        return best[1] if best else None


@dataclass(frozen=True)
class TilesLeft:
    """The tiles of a grid's area that are not in ``done``, which holds no others."""

    grid: TileGrid
    done: TileSet

    def __iter__(self) -> Iterator[TileRef]:
        for row in self.grid.spanned[0]:
            yield from self.grid.in_row(row, self.done)

    def __len__(self) -> int:
        return len(self.grid) - len(self.done)
