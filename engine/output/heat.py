"""HeatWriter: where in the tiles the change lies, as a GeoTIFF in the grid's own pixels, or as polygons drawn from it."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from fiona._err import CPLE_BaseError as FionaCPLError
from fiona.errors import FionaError
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ..contract.errors import ChangeScribeError, OutputError
from ..contract.heatmap import HEATMAP_POLYGONS, HEATMAP_RASTERS, HEATMAP_THRESHOLD, HeatmapOutput
from ..contract.tiles import TileCaption, TileRef
from ..geo.grid import TileGrid
from . import heat_polygons
from .heat_polygons import NODATA, TAG
from .writer import BATCH_S, FULL_BYTES, disk_full, verify_path, verify_same_run, write_failure

BLOCK_PX = 256  # without overlap a block is a tile and is written once
BATCH_PX = 1 << 24
# Blocks that no tile has reached take no room on the disk and read as nodata.
LAYOUT = {"dtype": "uint8", "count": 1, "nodata": NODATA, "tiled": True, "blockxsize": BLOCK_PX, "blockysize": BLOCK_PX}
OPTIONS = {"compress": "deflate", "sparse_ok": True, "bigtiff": "if_safer"}
COG = {"driver": "COG", "blocksize": BLOCK_PX, "overviews": "ignore_existing", "overview_resampling": "average"}
WRITE_ERRORS = (RasterioError, CPLE_BaseError, FionaError, FionaCPLError, OSError, RuntimeError, SystemError)

log = logging.getLogger(__name__)


def percentages(tile: TileCaption, tile_px: int) -> np.ndarray:
    """Heat of a captioned tile on its pixels.

    Each pixel takes the value of the model's cell that its centre lies in; nothing is smoothed, since the model has seen no more.

    Parameters
    ----------
    tile : captioned, with a heat map, or unchanged
    tile_px : side of the square tile that the heat map covers, also where the raster's edge clips it

    Returns
    -------
    uint8 (tile.ref.height, tile.ref.width)
        0..100, all 0 in an unchanged tile; NODATA where a date has no data.
    """
    ref, caption = tile.ref, tile.caption
    percent = np.zeros((ref.height, ref.width), np.uint8)
    if caption is not None and caption.changed:
        cells = np.rint(100 * np.asarray(caption.heatmap, np.float64)).astype(np.uint8)
        rows, cols = (((np.arange(size) + 0.5) * n / tile_px).astype(int) for size, n in zip(percent.shape, cells.shape))
        percent = cells[np.ix_(rows, cols)]
    return percent if tile.valid is None else np.where(tile.valid, percent, np.uint8(NODATA))


def merged(there: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The larger of two uint8 heat maps; any percentage counts more than NODATA, which uint8 wraps to 0."""
    return np.maximum(there + np.uint8(1), new + np.uint8(1)) - np.uint8(1)


class HeatWriter:
    """Writes tiles' heat maps; a context manager.

    The raster is made empty, filled where tiles lie, and becomes a cloud-optimised GeoTIFF in the end; until then it is an ordinary
    one that any program reads. Polygons are drawn from such a raster, which lies beside them until all tiles are done.

    Attributes
    ----------
    raster : Path of the GeoTIFF; polygons : Path of the GeoPackage, or None
    """

    def __init__(self, output: HeatmapOutput, grid: TileGrid, provenance: Mapping[str, Any]):
        self.raster, self.polygons = _paths(output)
        self.threshold = HEATMAP_THRESHOLD if output.threshold is None else output.threshold
        self.grid, self.provenance = grid, json.loads(json.dumps(provenance))
        self._pending: list[tuple[TileRef, np.ndarray]] = []
        self._pending_px, self._flushed = 0, time.monotonic()
        self._finished = False

    @staticmethod
    def verify(output: HeatmapOutput, resume: bool = False) -> None:
        """Check that the files can be written, before anything is.

        Raises
        ------
        InputError
            Not a name of ours, a bad threshold.
        OutputError
            The folder is missing or read-only, the disk full, or a file there already and ``resume`` is not wanted.
        """
        output.verify()
        raster, polygons = _paths(output)
        verify_path(Path(output.path), (*HEATMAP_RASTERS, HEATMAP_POLYGONS))
        for path in (raster, polygons):
            if path is not None and path.exists() and not resume:
                do = "choose another name, delete the file, or resume"
                raise OutputError(f"{path} exists", "a heat map that does not, or --resume to continue it", do)

    @classmethod
    def open(
        cls, output: HeatmapOutput, grid: TileGrid, provenance: Mapping[str, Any], done: Collection[tuple[int, int]] = (), resume: bool = False
    ) -> HeatWriter:
        """Create the raster, or continue it where ``resume`` and it exists.

        Parameters
        ----------
        provenance : JSON-able; what differs from the first run's (other than device, batch size, times and versions) forbids resuming
        done : (row, col) of the tiles that an earlier run has finished

        Raises
        ------
        InputError, OutputError
            As ``verify``; or a file of another run, or one that is missing though tiles are done.
        """
        cls.verify(output, resume)
        writer = cls(output, grid, provenance)
        if writer.raster.exists():
            verify_same_run(writer.raster, _read_provenance(writer.raster), writer.provenance)
            return writer
        if writer.polygons is not None and writer.polygons.exists():
            verify_same_run(writer.polygons, heat_polygons.read_provenance(writer.polygons), writer.provenance)
            writer._finished = len(done) == len(grid)
        if done and not writer._finished:
            got = f"{writer.raster} is missing, though {len(done)} tiles are done"
            raise OutputError(got, "the heat map of the run that is continued", "put it back, or begin anew with other outputs")
        if not writer._finished:
            writer._create()
        return writer

    def add(self, tile: TileCaption) -> None:
        """Take a tile; skipped and failed ones stay nodata. Writes when two seconds or many pixels are pending.

        Raises
        ------
        OutputError
            The raster cannot be written.
        """
        if tile.caption is not None:
            self._pending.append((tile.ref, percentages(tile, self.grid.tile_px)))
            self._pending_px += tile.ref.height * tile.ref.width
        if self._pending_px >= BATCH_PX or time.monotonic() - self._flushed >= BATCH_S:
            self.flush()

    def flush(self) -> None:
        """Write what is pending; where tiles overlap the larger value stays."""
        if self._pending:
            try:
                self._verify_room()
                # A finished run's failed tiles go into a cloud-optimised file, whose layout is made anew in the end.
                with rasterio.open(self.raster, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as raster:
                    for ref, percent in self._pending:
                        window = Window(ref.col_off, ref.row_off, ref.width, ref.height)
                        raster.write(merged(raster.read(1, window=window), percent), 1, window=window)
            except WRITE_ERRORS as error:
                raise write_failure(self.raster, error) from error
            self._pending, self._pending_px = [], 0
        self._flushed = time.monotonic()

    def _verify_room(self) -> None:
        """Refuse to begin what may not fit: a block that is written anew and does not fit would take an earlier one with it."""
        spans = [
            (range(ref.row_off // BLOCK_PX, (ref.row_off + ref.height - 1) // BLOCK_PX + 1), ref.col_off, ref.col_off + ref.width - 1)
            for ref, _ in self._pending
        ]
        blocks = {(row, col) for rows, first, last in spans for row in rows for col in range(first // BLOCK_PX, last // BLOCK_PX + 1)}
        if shutil.disk_usage(self.raster.parent).free < len(blocks) * BLOCK_PX**2 + FULL_BYTES:
            raise disk_full(self.raster)

    def close(self, failed: int = 0) -> None:
        """Write what is pending and finish the file; with ``failed`` tiles a later run can still fill them in.

        Raises
        ------
        OutputError
            A file cannot be written.
        """
        if self._finished:
            return
        self.flush()
        try:
            if self.polygons is None:
                _optimise(self.raster)
            else:
                heat_polygons.write_polygons(self.raster, self.polygons, self.grid, self.threshold, self.provenance)
                if not failed:
                    self.raster.unlink()
        except WRITE_ERRORS as error:
            raise write_failure(self.polygons or self.raster, error) from error
        self._finished = True

    def __enter__(self) -> HeatWriter:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """After an error: keep what is there, as polygons too."""
        if self._finished:
            return
        try:
            self.flush()
            if self.polygons is not None:
                heat_polygons.write_polygons(self.raster, self.polygons, self.grid, self.threshold, self.provenance)
        except (ChangeScribeError, *WRITE_ERRORS) as failure:
            log.warning("the heat map was not completed: %s", failure)

    def _create(self) -> None:
        """Make the empty raster under another name first: a process killed meanwhile must not leave half a file that cannot be resumed."""
        partial = self.raster.with_name(f"{self.raster.stem}.partial.tif")
        size = {"height": self.grid.height, "width": self.grid.width, "crs": self.grid.crs, "transform": self.grid.transform}
        try:
            with rasterio.open(partial, "w", driver="GTiff", **size, **LAYOUT, **OPTIONS) as raster:
                raster.update_tags(**{TAG: json.dumps(self.provenance, ensure_ascii=False)})
                raster.set_band_description(1, "change heat, percent")
            os.replace(partial, self.raster)
        except WRITE_ERRORS as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise write_failure(self.raster, error) from error


def _paths(output: HeatmapOutput) -> tuple[Path, Path | None]:
    """The raster, and the polygons if wanted; their raster lies beside them."""
    path = Path(output.path)
    return (path.with_name(f"{path.stem}.heat.tif"), path) if output.polygons else (path, None)


def _read_provenance(path: Path) -> dict:
    try:
        with rasterio.open(path) as raster:
            return json.loads(raster.tags()[TAG])
    except (RasterioError, ValueError, KeyError) as error:
        raise OutputError(f"{path} is no heat map of ChangeScribe", "a GeoTIFF that an earlier run has written", "choose another heat map") from error


def _optimise(path: Path) -> None:
    """Replace the raster by a cloud-optimised copy with overviews, unless it is one."""
    with rasterio.open(path) as raster:
        if raster.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG":
            return
    partial = path.with_name(f"{path.stem}.partial.tif")
    try:
        rasterio.shutil.copy(path, partial, **COG, **OPTIONS)
        os.replace(partial, path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
