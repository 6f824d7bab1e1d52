"""The report's pictures: tiles before and after, and the map, read from the rasters that the layer was made from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from affine import Affine
from PIL import Image, ImageDraw
from rasterio.windows import Window

from ..contract.errors import InputError, RasterError
from ..contract.tiles import TileRef
from ..contract.validity import NodataSettings, Validity, is_fill
from ..geo import access
from ..geo.ground import pixel_size_m
from ..geo.matching.alignment import Alignment
from ..geo.source import RasterSource
from ..geo.stretch import choose_stretch
from .figure import INK, Cell, draw_grid, draw_legend
from .layer import Layer

TILE_PX = 256
MAP_PX = 1000  # longer side
MARGIN = 0.02
FONT_PX, LEGEND_PX = 17, 40
PLAIN = (226, 228, 226)  # where there is no raster; the white outlines of the tiles can be seen on it
DATES = ("before", "after")


@dataclass(frozen=True)
class Frame:
    """A window of the ground: the pixel grid of a picture in the layer's CRS."""

    crs: str
    transform: Affine
    height: int
    width: int

    @property
    def window(self) -> TileRef:
        return TileRef(0, 0, 0, 0, self.height, self.width)


def map_frame(layer: Layer) -> Frame:
    """The map's pixel grid: all tiles with a margin, north up, pixels about square on the ground."""
    points = np.array([point for cell in layer.cells for point in cell.ring])
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    margin = MARGIN * max(x1 - x0, y1 - y0)
    x0, y0, x1, y1 = x0 - margin, y0 - margin, x1 + margin, y1 + margin
    height_m, width_m = pixel_size_m(layer.crs_wkt, Affine(x1 - x0, 0, x0, 0, y0 - y1, y1), 1, 1)
    scale = MAP_PX / max(height_m, width_m)
    height, width = max(1, round(height_m * scale)), max(1, round(width_m * scale))
    return Frame(layer.crs_wkt, Affine((x1 - x0) / width, 0, x0, 0, (y0 - y1) / height, y1), height, width)


def tile_frame(cell: Cell, crs_wkt: str, longest: float | None = None) -> Frame:
    """A tile's own pixel grid, turned as the raster's was; of a footprint that was edited, its bounds.

    Parameters
    ----------
    longest : length in the CRS that TILE_PX pixels have; None: of the longer side, which makes a tile at the raster's edge as large as others.
    """
    ring = np.array(cell.ring)
    across, down = ring[1] - ring[0], ring[3 if len(ring) > 3 else -1] - ring[0]
    # The writer's ring: upper left, upper right, lower right, lower left, upper left.
    if len(ring) != 5 or not np.allclose(ring[0] + across + down, ring[2], rtol=0, atol=1e-3 * np.abs(across + down).max()):
        (x0, y0), (x1, y1) = ring.min(axis=0), ring.max(axis=0)
        ring, across, down = np.array([(x0, y1)]), np.array((x1 - x0, 0)), np.array((0, y0 - y1))
    lengths = np.hypot(*across), np.hypot(*down)
    width, height = (max(1, round(TILE_PX * length / (longest or max(lengths)))) for length in lengths)
    return Frame(crs_wkt, Affine(across[0] / width, down[0] / height, ring[0][0], across[1] / width, down[1] / height, ring[0][1]), height, width)


class Pictures:
    """Both dates of a layer's ground; a context manager.

    A raster that the user names (``before``, ``after``) must be readable and lie under the layer. One that only the layer's provenance names
    is left out where it cannot be read: ``notes`` then says so, and the report is made without its pictures. ``paths`` names the rasters,
    readable or not, by date.

    Raises
    ------
    RasterError, InputError
        A raster that the user named cannot be read, or lies elsewhere.
    """

    def __init__(self, layer: Layer, before: str | None = None, after: str | None = None):
        self.layer, self.frame = layer, map_frame(layer)
        self.notes: list[str] = []
        self.paths: dict[str, str] = {}
        self._open: dict[str, tuple[RasterSource, Any]] = {}
        self._alignment = _alignment(layer.provenance)
        earlier = layer.provenance.get("request")
        for date, named in zip(DATES, (before, after)):
            try:
                if named:
                    self._add(date, named, None)
                else:
                    self._add_recorded(date, earlier if isinstance(earlier, dict) else {})
            except InputError as error:
                if named:
                    self.close()
                    raise
                self.notes.append(
                    f"No pictures of the {date} date: {error.got}. Name the raster with --{date} (in QGIS: the parameter of that name)."
                )

    def __enter__(self) -> Pictures:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for source, _stretch in self._open.values():
            source.close()

    def _add_recorded(self, date: str, earlier: dict) -> None:
        path, bands = earlier.get(date), earlier.get(f"{date}_bands")
        if not isinstance(path, str) or not path:
            raise RasterError(f"the layer does not say which raster was its {date} date")
        self.paths[date] = path
        if access.is_remote(path):  # a layer that came by mail must not make this machine call an address of the sender's choice
            raise RasterError(f"its raster {path} is on the network")
        self._add(date, path, bands, _validity(earlier, date))

    def _add(self, date: str, path: str, bands: Any, validity: Validity | None = None) -> None:
        self.paths[date] = path
        source = RasterSource(path, date, bands, validity)
        try:
            if not source.crs:
                raise RasterError(f"the {date} raster {path} has no CRS", "a georeferenced raster", f"gdal_edit.py -a_srs EPSG:CODE {path}")
            read = partial(source.read, self.frame.crs, self.frame.transform)
            stretch, found = choose_stretch(read, self.frame.window, source.dtype, "percentile", date)
            if not found:
                raise InputError(f"the {date} raster {path} has no data where the layer's tiles lie", "the raster of this layer", "check the path")
        except BaseException:
            source.close()
            raise
        self._open[date] = source, stretch

    def tile(self, cell: Cell, date: str) -> Image.Image | None:
        """A tile at one date, about TILE_PX pixels wide; None without a raster."""
        return self._picture(date, tile_frame(cell, self.layer.crs_wkt))

    def _picture(self, date: str, frame: Frame) -> Image.Image | None:
        if date not in self._open:
            return None
        pixels, valid = self.pixels(date, frame)
        picture = np.where(valid, pixels, np.array(PLAIN, np.uint8)[:, None, None])
        return Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0)))

    def pixels(self, date: str, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """A window of a date that is there, as the model sees it: uint8 (3, height, width), 0 where invalid, and bool (height, width)."""
        source, stretch = self._open[date]
        values, valid = source.read(frame.crs, self._aligned(frame) if date == "after" else frame.transform, frame.window)
        return stretch.apply(values, valid), valid

    def _aligned(self, frame: Frame) -> Affine:
        """The frame's transform as the run read the AFTER raster there."""
        if self._alignment is None:
            return frame.transform
        alignment, grid = self._alignment
        cols, rows = zip(
            *(~grid * (frame.transform * corner) for corner in ((0, 0), (frame.width, 0), (0, frame.height), (frame.width, frame.height)))
        )
        under = Window(min(cols), min(rows), max(cols) - min(cols), max(rows) - min(rows))
        return alignment.moved(grid, under) * ~grid * frame.transform

    def map(self, numbered: Sequence[Cell]) -> Image.Image:
        """The tiles in the colours of their change over the after date (plain without it); the numbered ones bear their place in the list."""
        plain = Image.new("RGB", (self.frame.width, self.frame.height), PLAIN)
        image = draw_grid(self._picture("after", self.frame) or plain, self.layer.cells, ~self.frame.transform, False, numbered)
        self._scale_bar(image)
        return image

    def _scale_bar(self, image: Image.Image) -> None:
        """A bar of 1, 2 or 5 times a power of ten metres, at most a quarter of the map."""
        _, width_m = pixel_size_m(self.frame.crs, self.frame.transform, self.frame.height, self.frame.width)
        most_m = width_m * self.frame.width / 4
        power = 10.0 ** np.floor(np.log10(most_m))
        length_m = max(step * power for step in (1, 2, 5) if step * power <= most_m)
        text = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
        draw = ImageDraw.Draw(image, "RGBA")
        right, bottom = 20 + length_m / width_m, self.frame.height - 18
        draw.rectangle((12, bottom - 28, max(right, 20 + draw.textlength(text, font_size=FONT_PX)) + 8, bottom + 10), fill=(255, 255, 255, 200))
        draw.line((20, bottom - 5, 20, bottom, right, bottom, right, bottom - 5), fill=INK, width=2)
        draw.text((20, bottom - 25), text, fill=INK, font_size=FONT_PX)


def _validity(earlier: dict, date: str) -> Validity:
    """What counted as data in the recorded run, without its masks: those name further files, which a layer that came by mail must not open."""
    fill, settings = earlier.get("fill", "auto"), earlier.get(f"{date}_nodata")
    nodata = NodataSettings() if settings is None else NodataSettings.from_json(settings, f"{date}_nodata")
    if not is_fill(fill) or not nodata.is_valid:
        raise RasterError("the layer's request does not say what counted as data")
    return Validity(fill, None, nodata)


def _alignment(provenance: dict) -> tuple[Alignment, Affine] | None:
    """How the layer's run moved the AFTER raster, and the pixel grid in which it did; None where it did not."""
    with suppress(KeyError, TypeError, ValueError):
        return Alignment.from_json(provenance["alignment"]), Affine(*provenance["grid"]["transform"])
    return None


def with_legend(image: Image.Image, cells: Sequence[Cell]) -> Image.Image:
    """The map with the kinds of change below it, for use without the page."""
    sheet = Image.new("RGB", (image.width, image.height + LEGEND_PX), "white")
    sheet.paste(image, (0, 0))
    draw_legend(ImageDraw.Draw(sheet), image.width, image.height + 9, cells)
    return sheet
