"""An output of millions of tiles as several GeoPackages, ``OUT_0001.gpkg`` and on, each of some rows of tiles."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..contract.errors import OutputError
from ..contract.tiles import TileCaption
from ..geo.grid import TileGrid
from ..geo.tileset import TileSet
from .writer import GridWriter, nothing, verify_path

# Tiles a file where nothing else is said: some 400 MB, which QGIS opens and copies without a wait.
PART_TILES = 1_000_000


class PartsWriter:
    """Writes tiles to the file of their row; used as GridWriter is.

    Parameters
    ----------
    path : OUT.gpkg, which gives the files their names and is not written itself
    part_tiles : a file has the whole rows of tiles that are together no more than this, or a single row
    provenance, resume : as GridWriter.open takes them

    Raises
    ------
    OutputError
        As GridWriter.open, of any file.
    """

    def __init__(self, path: str | os.PathLike, grid: TileGrid, provenance: Mapping[str, Any], resume: bool, part_tiles: int):
        self.path, self.grid, self.provenance, self.resume = Path(path), grid, dict(provenance), resume
        self.rows_a_part = rows_a_part(grid, part_tiles)
        self.paths = part_paths(self.path, grid, part_tiles)
        self.done = TileSet()
        self.before_commit: Callable[[], None] = nothing
        self._parts: dict[int, GridWriter] = {}
        self._latest: GridWriter | None = None
        verify_path(self.path, (".gpkg",))
        there = [file for file in self.paths if os.path.exists(file)]
        if there and not resume:
            need, do = "an output that does not, or --resume to continue it", "choose another name, delete the files, or resume"
            raise OutputError(f"{there[0]} exists", need, do)
        if self.path.exists() and not there:
            need, do = f"an output of several files ({self.paths[0].name} …)", "choose another name, or the --part-tiles of the run that is continued"
            raise OutputError(f"{self.path} exists, which is one file", need, do)
        try:
            for number, file in enumerate(self.paths):
                if number == 0 or file.exists():  # the first one's lock keeps another run away
                    self.done |= self._part(number).done
        except BaseException:
            self.close()
            raise

    def _part(self, number: int) -> GridWriter:
        if number not in self._parts:
            first = self.grid.spanned[0].start + number * self.rows_a_part
            part = {"number": number + 1, "of": len(self.paths), "rows": [first, first + self.rows_a_part - 1]}
            writer = GridWriter.open(self.paths[number], self.grid.crs.to_wkt(), self.provenance | {"part": part}, self.resume)
            writer.before_commit = lambda: self.before_commit()
            self._parts[number] = writer
        return self._parts[number]

    def add(self, tile: TileCaption) -> None:
        """Take a tile; commits as GridWriter does, and when a tile of another file comes."""
        writer = self._part((tile.ref.row - self.grid.spanned[0].start) // self.rows_a_part)
        if self._latest is not None and writer is not self._latest:
            self._latest.commit()
        self._latest = writer
        writer.add(tile)

    def close(self, counts: Mapping[str, int] | None = None) -> None:
        """Complete the provenance of all files (``counts`` are the run's) and let them go."""
        for writer in self._parts.values():
            writer.close(counts)

    def __enter__(self) -> PartsWriter:
        return self

    def __exit__(self, *exception: Any) -> None:
        for writer in self._parts.values():
            writer.__exit__(*exception)


def verify_one_file(path: Path) -> None:
    """Check that a run which would continue ``path`` as one file has not left it as several.

    Raises
    ------
    OutputError
    """
    first = first_part(path)
    if os.path.exists(first) and not os.path.exists(path):
        need, do = f"one file ({path.name})", "choose another name, or the --part-tiles of the run that is continued"
        raise OutputError(f"{first} exists, which is one of several files", need, do)


def first_part(path: Path) -> Path:
    """The first of the files that an output is divided into."""
    return path.with_name(_name(path, 1))


def _name(path: Path, number: int) -> str:
    return f"{path.stem}_{number:04d}{path.suffix}"


def rows_a_part(grid: TileGrid, part_tiles: int) -> int:
    """Rows of tiles in a file; all rows count as wide as the area at its widest, so that a tile's file is known from its row."""
    return max(1, part_tiles // len(grid.spanned[1]))


def part_paths(path: Path, grid: TileGrid, part_tiles: int) -> list[Path]:
    """The files of an area that is larger than ``part_tiles``."""
    parts = -(-len(grid.spanned[0]) // rows_a_part(grid, part_tiles))
    return [path.with_name(_name(path, number)) for number in range(1, parts + 1)]
