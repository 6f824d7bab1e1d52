"""Which tiles are done: a bit a tile, so that a country's worth of them takes megabytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from itertools import islice
from typing import cast

import numpy as np

# Cells taken off a stream at once: 8 MB.
_CHUNK = 1 << 20


class TileSet(Set):
    """A set of (row, col) of tiles; compares with other sets. Rows take memory when their first tile comes: an eighth of a byte a column."""

    def __init__(self, cells: Iterable[tuple[int, int]] = ()):
        self._rows: dict[int, np.ndarray] = {}
        self._count = 0
        self.update(np.array(sorted(cells), np.int64).reshape(-1, 2))

    def update(self, cells: np.ndarray) -> None:
        """Add cells, int (n, 2) of row and column; tiles of one row should lie together."""
        starts = np.flatnonzero(np.diff(cells[:, 0])) + 1
        for group in np.split(cells, starts):
            if len(group):
                self._add(int(group[0, 0]), group[:, 1])

    def update_packed(self, packed: Iterable[int]) -> None:
        """Add cells given as row · 2³² + column, a stream that may be longer than memory."""
        stream = iter(packed)
        while len(chunk := np.fromiter(islice(stream, _CHUNK), np.int64)):
            self.update(np.stack([chunk >> 32, chunk & 0xFFFFFFFF], axis=1))

    def __or__(self, other: Set) -> TileSet:
        """Both sets' cells; rows of bits are joined, not cells one by one."""
        if not isinstance(other, TileSet):
            return NotImplemented
        joined = TileSet()
        for part in (self, other):
            for row, bits in part._rows.items():
                joined._add(row, np.flatnonzero(np.unpackbits(bits)))
        return joined

    def _add(self, row: int, cols: np.ndarray) -> None:
        there = self._there(row, int(cols.max()) + 1)
        before = int(there.sum())
        there[cols] = True
        self._count += int(there.sum()) - before
        self._rows[row] = np.packbits(there)

    def _there(self, row: int, size: int) -> np.ndarray:
        """Bool of at least ``size`` columns of a row."""
        bits = np.unpackbits(self._rows[row]).astype(bool) if row in self._rows else np.zeros(0, bool)
        return np.pad(bits, (0, max(0, size - len(bits))))

    def mask(self, row: int, cols: np.ndarray) -> np.ndarray:
        """Bool (n,): which of the columns of a row are in the set."""
        if row not in self._rows or not len(cols):
            return np.zeros(len(cols), bool)
        return self._there(row, int(cols.max()) + 1)[cols]

    def __contains__(self, cell: object) -> bool:
        row, col = cast("tuple[int, int]", cell)
        return bool(self.mask(row, np.array([col]))[0])

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for row in sorted(self._rows):
            yield from ((row, col) for col in np.flatnonzero(np.unpackbits(self._rows[row])).tolist())

    def __len__(self) -> int:
        return self._count
