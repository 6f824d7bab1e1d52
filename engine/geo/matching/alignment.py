"""How the AFTER raster is moved onto the BEFORE raster: the result of ``align``, applied while the AFTER raster is warped.

An alignment maps a pixel of the grid to the place in the AFTER raster, in pixels of the same grid, where the same ground really lies: an affine map,
and for ``local`` a lattice of small offsets on top. Each window is read through one affine map, so that the AFTER raster is resampled once; over a
tile of 256 pixels that map follows the lattice to a few hundredths of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine

# Points a side at which the map is sampled to fit a window's affine map.
_FIT_POINTS = 5
_INVERSE_STEPS = 4


@dataclass(frozen=True)
class Field:
    """Offsets on a lattice, interpolated bilinearly, constant beyond its edges.

    row0, col0, row_step, col_step : float
        Where its nodes lie, pixels of the grid.
    rows_px, cols_px : tuple of tuple of float
        Offsets at the nodes, down and right, pixels.
    """

    row0: float
    col0: float
    row_step: float
    col_step: float
    rows_px: tuple[tuple[float, ...], ...]
    cols_px: tuple[tuple[float, ...], ...]

    def at(self, cols: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Offsets (right, down) at points of the grid."""
        nodes = np.stack([self.cols_px, self.rows_px])
        row, col = (np.clip((values - start) / step, 0, size - 1) for values, start, step, size in (
            (rows, self.row0, self.row_step, nodes.shape[1]), (cols, self.col0, self.col_step, nodes.shape[2])
        ))  # fmt: skip
        top, left = (np.minimum(values.astype(int), max(size - 2, 0)) for values, size in ((row, nodes.shape[1]), (col, nodes.shape[2])))
        down, right = (np.minimum(values + 1, size - 1) for values, size in ((top, nodes.shape[1]), (left, nodes.shape[2])))
        v, u = row - top, col - left
        found = (1 - v) * ((1 - u) * nodes[:, top, left] + u * nodes[:, top, right])
        found = found + v * ((1 - u) * nodes[:, down, left] + u * nodes[:, down, right])
        return found[0], found[1]


@dataclass(frozen=True)
class Alignment:
    """An estimate of how the dates lie on each other.

    Parameters
    ----------
    method : "shift" or "local"
    applied : bool
        Whether the AFTER raster is moved. False where no estimate was accepted; ``reason`` then says why.
    affine : tuple of 6 float
        (a, b, c, d, e, f) of col' = a·col + b·row + c, row' = d·col + e·row + f, in pixels of the grid.
    field : Field or None
        Offsets added after ``affine``.
    rows_px, cols_px : float
        Mean offset over the area that both rasters share, down and right.
    windows : int
        Windows whose offsets agree with the estimate.
    agreement_before, agreement_after : float or None
        Mean correlation of the edges of both dates (-1..1) without and with the alignment, in windows apart from those it was found in.
    residual_px : float or None
        Median offset that is left in those windows, pixels; None where it cannot be measured.
    reason : str
    """

    method: str
    applied: bool = False
    affine: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    field: Field | None = None
    rows_px: float = 0.0
    cols_px: float = 0.0
    windows: int = 0
    agreement_before: float | None = None
    agreement_after: float | None = None
    residual_px: float | None = None
    reason: str = ""

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Alignment:
        """The alignment in a run's provenance.

        Raises
        ------
        TypeError, ValueError, KeyError
            It is none.
        """
        field = data["field"]
        if field is not None:
            field = Field(**{name: tuple(map(tuple, value)) if isinstance(value, (list, tuple)) else float(value) for name, value in field.items()})
        affine = tuple(float(value) for value in data["affine"])
        if len(affine) != 6:
            raise ValueError(f"an affine map of {len(affine)} numbers")
        return cls(**{**data, "affine": affine, "field": field})

    def place(self, cols: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where in the AFTER raster (cols, rows) the ground of points of the grid lies."""
        to_cols, to_rows = Affine(*self.affine) * (cols, rows)
        if self.field is not None:
            right, down = self.field.at(cols, rows)
            to_cols, to_rows = to_cols + right, to_rows + down
        return to_cols, to_rows

    def origin(self, cols: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The inverse of ``place``: points of the grid whose ground lies at places in the AFTER raster."""
        found_cols, found_rows = cols, rows
        for _ in range(_INVERSE_STEPS):  # offsets change slowly: each step leaves less than a hundredth of the error
            to_cols, to_rows = self.place(found_cols, found_rows)
            found_cols, found_rows = found_cols + cols - to_cols, found_rows + rows - to_rows
        return found_cols, found_rows

    def moved(self, grid_transform: Affine, window: Any) -> Affine:
        """The grid's transform as the AFTER raster is to be read with under a window (row_off, col_off, height, width)."""
        if not self.applied:
            return grid_transform
        if self.field is None:
            return grid_transform * Affine(*self.affine)
        steps = np.linspace(0, 1, _FIT_POINTS)
        cols, rows = (values.ravel() for values in np.meshgrid(window.col_off + steps * window.width, window.row_off + steps * window.height))
        # About the window's middle, so that the numbers stay small beside a raster's coordinates.
        col, row = cols.mean(), rows.mean()
        points = np.column_stack([cols - col, rows - row, np.ones_like(cols)])
        (a, d), (b, e), (c, f) = np.linalg.lstsq(points, np.column_stack(self.place(cols, rows)), rcond=None)[0]
        return grid_transform * Affine(a, b, c, d, e, f) * Affine.translation(-col, -row)
