"""Layers that only QGIS opens (XYZ, WMTS, WMS, WCS, PostGIS and other services), written to a GeoTIFF for the engine.

QGIS fetches them and not the engine through GDAL's own drivers, because the credentials, headers and proxy are QGIS's, tiles that it has in its
cache are not fetched again, all providers go one way, and a run can be resumed on the very pixels that it began with. The engine's network
stays closed. Prepared in the main thread, to which layers belong; written in the thread of the run.
"""

from __future__ import annotations

import math
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass

from qgis.core import (
    QgsDistanceArea,
    QgsPointXY,
    QgsProcessingContext,
    QgsProviderRegistry,
    QgsRaster,
    QgsRasterBlockFeedback,
    QgsRasterFileWriter,
    QgsRasterLayer,
    QgsRasterPipe,
    QgsRectangle,
)

from ...engine.contract.errors import Cancelled, NoOverlapError, RasterError
from ..i18n import tr
from .sources import Area, has_grid

MAX_PIXELS = 64_000_000  # 256 MB as RGBA
ONLINE_M = 0.5  # metres a pixel where neither raster has a resolution: what the bundled model was trained at
WORLD_M = 2 * math.pi * 6378137 / 256  # width of a pixel of zoom 0 in EPSG:3857
FULL = 0.999  # share of covered pixels from which a picture counts as whole
WATCH_S = 0.1


@dataclass(frozen=True)
class PixelGrid:
    """The pixels that a layer is written in; rectangle in the layer's CRS."""

    rectangle: QgsRectangle
    width: int
    height: int

    @property
    def pixel(self) -> tuple[float, float]:
        """Width and height of a pixel in the CRS's units."""
        return self.rectangle.width() / self.width, self.rectangle.height() / self.height


class Export:
    """A layer to be written to ``path``, once (made in the main thread)."""

    def __init__(self, layer: QgsRasterLayer, grid: PixelGrid, path: str, context: QgsProcessingContext):
        self.name, self.path, self.grid = layer.name(), path, grid
        self._crs, self._transforms = layer.crs(), context.transformContext()
        self._pipe: QgsRasterPipe | None = QgsRasterPipe()
        self._pipe.set(layer.dataProvider().clone())
        drawn = layer.bandCount() == 1 and layer.renderer() is not None and layer.renderer().type() == "singlebandcolordata"
        if drawn:
            self._pipe.set(layer.renderer().clone())
        self._alpha = drawn or (layer.bandCount() == 4 and layer.dataProvider().colorInterpretation(4) == QgsRaster.ColorInterpretation.AlphaBand)

    def write(self, cancelled: Callable[[], bool]) -> list[str]:
        """Write the GeoTIFF, in any thread; it appears whole or not at all. Returns what the user should know of it.

        Raises
        ------
        Cancelled
            ``cancelled`` said so, here within a tenth of a second.
        RasterError
            The layer gave no picture, or an empty one.
        """
        # A folder of its own, because QGIS leaves statistics beside a raster.
        with tempfile.TemporaryDirectory(dir=os.path.dirname(self.path)) as folder:
            part = os.path.join(folder, "part.tif")
            failed = self._watched_draw(part, cancelled)
            if cancelled():
                raise Cancelled(tr("the run was cancelled"))
            if failed or not os.path.isfile(part):
                raise RasterError(
                    tr("{name} returned no image (error {failed})", name=self.name, failed=failed),
                    tr("a layer that can be drawn"),
                    tr("check that it shows on the map here"),
                )
            notes = self._missing(part)
            os.replace(part, self.path)
        return notes

    def _watched_draw(self, path: str, cancelled: Callable[[], bool]) -> int:
        feedback, ended = QgsRasterBlockFeedback(), threading.Event()

        def watch() -> None:
            while not ended.wait(WATCH_S):
                if cancelled():
                    feedback.cancel()
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            return self._draw(path, feedback)
        finally:
            ended.set()
            watcher.join()

    def _draw(self, path: str, feedback: QgsRasterBlockFeedback) -> int:
        # Let go of at once: a provider that something keeps until Python ends would be deleted after QGIS itself, which crashes.
        pipe, self._pipe = self._pipe, None
        size = (self.grid.width, self.grid.height, self.grid.rectangle)
        writer = QgsRasterFileWriter(path)
        if not self._alpha:  # GDAL takes the fourth of four bands for transparency: near infrared would become a mask
            writer.setCreateOptions(["ALPHA=NO"])
        return writer.writeRaster(pipe, *size, self._crs, self._transforms, feedback)

    def _missing(self, path: str) -> list[str]:
        """Notes on ground without a picture: servers that fail or have nothing there leave it transparent."""
        covered = _covered(path, self._alpha)
        if covered == 0:
            got, do = tr("{name} returned an empty image of this area", name=self.name), tr("check the connection and that it shows on the map")
            raise RasterError(got, tr("a layer with data here"), do)
        if covered >= FULL:
            return []
        text = tr(
            "{layer} has no image for {percent:.1f} % of the area: no data there, or tiles that the server did not return",
            layer=self.name,
            percent=100 * (1 - covered),
        )
        return [text]


def _covered(path: str, alpha: bool) -> float:
    """Share of a picture that is not transparent; without transparency 1, or 0 where all is zero.

    QGIS writes zeros where a coverage service fails, and tells nobody. Nothing of QGIS may live on in an error's traceback, as in _draw.
    """
    picture = QgsRasterLayer(path, "picture")
    if alpha:
        return picture.dataProvider().bandStatistics(4).mean / 255
    found = (picture.dataProvider().bandStatistics(band) for band in range(1, picture.bandCount() + 1))
    return float(any(band.elementCount and (band.minimumValue or band.maximumValue) for band in found))


def export_note(layer: QgsRasterLayer, grid: PixelGrid) -> str:
    """What is written, for the user."""
    size = {"width": grid.width, "height": grid.height, "note": _zoom_note(layer, grid)}
    return tr("{layer} is not a file: {width} × {height} pixels are written to a GeoTIFF{note}.", layer=layer.name(), **size)


def pixel_grid(layer: QgsRasterLayer, area: Area, other: QgsRasterLayer, online_m: float, context: QgsProcessingContext) -> PixelGrid:
    """The pixels of ``layer`` over ``area``: its own, else as fine as the other raster's, else ``online_m`` metres.

    Raises
    ------
    NoOverlapError
        The layer does not reach the area.
    RasterError
        Too many pixels.
    """
    rectangle = area.into(layer.crs(), context, layer.extent()).intersect(layer.extent())
    if rectangle.isEmpty():
        raise NoOverlapError(tr("{layer} does not reach the area", layer=layer.name()), tr("a layer that covers it"), tr("choose another extent"))
    if has_grid(layer):
        grid = _own_pixels(layer, rectangle)
    else:
        pixel_x, pixel_y = _pixel_size(layer, rectangle, other, online_m, context)
        width, height = max(1, math.ceil(rectangle.width() / pixel_x)), max(1, math.ceil(rectangle.height() / pixel_y))
        left, top = rectangle.xMinimum(), rectangle.yMaximum()
        grid = PixelGrid(QgsRectangle(left, top - height * pixel_y, left + width * pixel_x, top), width, height)
    if grid.width * grid.height > MAX_PIXELS:
        got = tr("{layer} would give {width} × {height} pixels for this area", layer=layer.name(), width=grid.width, height=grid.height)
        raise RasterError(
            got,
            tr("at most {max_pixels} million", max_pixels=MAX_PIXELS // 1_000_000),
            tr("choose a smaller EXTENT, or save the layer as GeoTIFF first"),
        )
    return grid


def _own_pixels(layer: QgsRasterLayer, rectangle: QgsRectangle) -> PixelGrid:
    """The layer's own pixels that a rectangle touches; anything else would shift the picture by a part of a pixel."""
    extent, pixel_x, pixel_y = layer.extent(), layer.rasterUnitsPerPixelX(), layer.rasterUnitsPerPixelY()
    rounding = 1e-6
    col0 = max(0, math.floor((rectangle.xMinimum() - extent.xMinimum()) / pixel_x + rounding))
    col1 = min(layer.width(), math.ceil((rectangle.xMaximum() - extent.xMinimum()) / pixel_x - rounding))
    row0 = max(0, math.floor((extent.yMaximum() - rectangle.yMaximum()) / pixel_y + rounding))
    row1 = min(layer.height(), math.ceil((extent.yMaximum() - rectangle.yMinimum()) / pixel_y - rounding))
    left, top = extent.xMinimum() + col0 * pixel_x, extent.yMaximum() - row0 * pixel_y
    width, height = col1 - col0, row1 - row0
    return PixelGrid(QgsRectangle(left, top - height * pixel_y, left + width * pixel_x, top), width, height)


def _pixel_size(
    layer: QgsRasterLayer, rectangle: QgsRectangle, other: QgsRasterLayer, online_m: float, context: QgsProcessingContext
) -> tuple[float, float]:
    """Pixel width and height in the layer's units."""
    if has_grid(other):
        seen = Area(other.extent(), other.crs()).into(layer.crs(), context, layer.extent())
        return seen.width() / other.width(), seen.height() / other.height()
    measure = QgsDistanceArea()
    measure.setSourceCrs(layer.crs(), context.transformContext())
    measure.setEllipsoid("WGS84")
    centre = rectangle.center()
    step = rectangle.width() / 1000
    unit_m = measure.measureLine(centre, QgsPointXY(centre.x() + step, centre.y())) / step
    return online_m / unit_m, online_m / unit_m


def _zoom_note(layer: QgsRasterLayer, grid: PixelGrid) -> str:
    """Which tiles of an XYZ layer that takes, and whether they are fine enough."""
    source = QgsProviderRegistry.instance().decodeUri(layer.providerType(), layer.source())
    if source.get("type") != "xyz":
        return ""
    wanted = math.log2(WORLD_M / grid.pixel[0])
    finest = int(source.get("zmax") or 18)
    if wanted - finest > 0.5:
        return tr(", enlarged {factor:.1f} times: its finest tiles are of zoom {zoom}", factor=2 ** (wanted - finest), zoom=finest)
    return tr(", tiles of about zoom {zoom}", zoom=max(0, round(wanted)))
