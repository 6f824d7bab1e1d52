"""The compact set of done tiles behaves as a set of (row, col)."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.geo.tileset import TileSet

cells = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 40)))


@settings(deadline=None)
@given(cells, cells)
def test_it_is_the_set_of_its_cells(one, other):
    tiles = TileSet(one)
    assert tiles == one and len(tiles) == len(one) and list(tiles) == sorted(one)
    assert all(((row, col) in tiles) == ((row, col) in one) for row in range(6) for col in range(50))
    tiles.update_packed((row << 32) + col for row, col in other)
    assert tiles == one | other == TileSet(one) | TileSet(other)


@settings(deadline=None)
@given(cells, st.lists(st.integers(0, 60)))
def test_the_mask_of_a_row(one, cols):
    assert TileSet(one).mask(3, np.array(cols, int)).tolist() == [(3, col) in one for col in cols]


def test_a_long_stream_is_taken_in_pieces(monkeypatch):
    monkeypatch.setattr("engine.geo.tileset._CHUNK", 7)
    tiles = TileSet()
    tiles.update_packed(((i // 10) << 32) + i % 10 for i in range(95))
    assert tiles == {(i // 10, i % 10) for i in range(95)}


def test_millions_of_tiles_take_little_memory():
    tiles = TileSet()
    for row in range(2000):
        tiles.update(np.stack([np.full(1000, row), np.arange(1000)], axis=1))
    assert len(tiles) == 2_000_000
    assert sum(bits.nbytes for bits in tiles._rows.values()) < 300_000
