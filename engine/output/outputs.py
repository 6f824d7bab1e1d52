"""The files that one run writes: the grid of captions, the heat map, both or none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from ..contract.errors import InputError, OutputError
from ..contract.heatmap import HeatmapOutput
from ..contract.tiles import TileCaption
from ..geo.grid import TileGrid
from ..geo.matching.alignment import Alignment
from ..geo.tileset import TileSet
from .heat import HeatWriter
from .parts import PartsWriter, first_part, verify_one_file
from .writer import GridWriter, read_provenance, roll_back


def verify_heatmap(heatmap: HeatmapOutput, output: str | None, resume: bool) -> None:
    """Check that a heat map can be written, before a model is loaded.

    Raises
    ------
    InputError, OutputError
    """
    HeatWriter.verify(heatmap, resume)
    if output is not None and os.path.realpath(output) == os.path.realpath(heatmap.path):
        raise InputError(f"{output} as output and as heat map", "a file for each", "name another heat map")


def recorded_alignment(output: str | None, part_tiles: int | None) -> Alignment | None:
    """The alignment of the run that has left an output, in one file or in several, so that the run that continues it reads the same pixels."""
    if output is None:
        return None
    for path in (Path(output), *([first_part(Path(output))] if part_tiles is not None else [])):
        if os.path.exists(path):
            roll_back(path)
            # What is no output of ours, or of another run, the writer refuses.
            with suppress(OutputError, TypeError, ValueError, KeyError):
                return Alignment.from_json(read_provenance(path)["alignment"])
    return None


class Writers:
    """A run's files, opened; a tile's heat is written before its row, because a resumed run leaves out the tiles that have a row.

    Parameters
    ----------
    stack : closes them, whatever ends the run
    output, heatmap : None for none
    record : the run's provenance
    resume : continue the same run's earlier files
    part_tiles : an area of more tiles becomes several files; None: never

    Attributes
    ----------
    done : (row, col) of the tiles that an earlier run has finished
    files : paths of the layer's files, which are there once the run has come to its end
    """

    def __init__(
        self,
        stack: ExitStack,
        output: str | None,
        heatmap: HeatmapOutput | None,
        grid: TileGrid,
        record: dict,
        resume: bool,
        part_tiles: int | None = None,
    ):
        self.grid: GridWriter | PartsWriter | None = None
        self.heat: HeatWriter | None = None
        self.done = TileSet()
        self.files: list[str] = []
        if heatmap is not None:
            # Part of what makes a run: one without it, or with another, would leave holes in this one.
            record = record | {"heatmap": {"path": os.path.abspath(heatmap.path), "threshold": heatmap.threshold}}
        if output is not None:
            if part_tiles is not None and len(grid) > part_tiles:
                self.grid = stack.enter_context(PartsWriter(output, grid, record, resume, part_tiles))
            else:
                if resume:
                    verify_one_file(Path(output))
                self.grid = stack.enter_context(GridWriter.open(output, grid.crs.to_wkt(), record, resume))
            self.done = self.grid.done
            self.files = [str(path) for path in self.grid.paths]
        if heatmap is not None:
            record = record | {"output": output and os.path.abspath(output)}
            self.heat = stack.enter_context(HeatWriter.open(heatmap, grid, record, self.done, resume))
            if self.grid is not None:
                self.grid.before_commit = self.heat.flush

    def add(self, tile: TileCaption) -> None:
        """Take a tile."""
        if self.heat is not None:
            self.heat.add(tile)
        if self.grid is not None:
            self.grid.add(tile)

    def close(self, counts: Mapping[str, int]) -> None:
        """Complete the files of a run that came to its end; ``counts`` as in Summary."""
        if self.grid is not None:
            self.grid.close(counts)
        if self.heat is not None:
            self.heat.close(counts["failed"])
