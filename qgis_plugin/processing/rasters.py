"""Raster parameters as the engine's input: path, CRS, bands.

Layers belong to the main thread, so all of this happens in an algorithm's preparation. Layers that are no file of GDAL's (online maps, databases)
are written to a GeoTIFF there.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, replace

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsDistanceArea,
    QgsPointXY,
    QgsProcessingContext,
    QgsRasterBandStats,
    QgsRasterFileWriter,
    QgsRasterLayer,
    QgsRasterPipe,
    QgsRectangle,
)

from ...engine.errors import AreaError, NoOverlapError, RasterError

MAX_PIXELS = 64_000_000  # 256 MB as RGBA
ONLINE_M = 0.5  # metres a pixel where neither raster has a resolution: what the bundled model was trained at


@dataclass(frozen=True)
class RasterInput:
    """A raster as the engine opens it.

    path : what GDAL opens. bands : three band numbers counted from 1, or None for the engine's own choice.
    crs : the raster's. name : the layer's. notes : what the user should know.
    """

    path: str
    bands: tuple[int, ...] | None
    crs: QgsCoordinateReferenceSystem
    name: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Area:
    """A rectangle in a CRS."""

    rectangle: QgsRectangle
    crs: QgsCoordinateReferenceSystem

    def into(self, crs: QgsCoordinateReferenceSystem, context: QgsProcessingContext) -> QgsRectangle:
        """Bounding rectangle in another CRS.

        Raises
        ------
        AreaError
            The rectangle has no image there.
        """
        transform = QgsCoordinateTransform(self.crs, crs, context.transformContext())
        transform.setBallparkTransformsAreAppropriate(True)
        try:
            return transform.transformBoundingBox(self.rectangle)
        except QgsCsException as error:
            raise AreaError(
                f"an area that has no place in {crs.authid() or crs.description()} ({error})", "an area on the rasters", "correct it"
            ) from error


def is_gdal(layer: QgsRasterLayer) -> bool:
    """Whether GDAL itself opens the layer's source."""
    return layer.providerType() == "gdal"


def has_grid(layer: QgsRasterLayer) -> bool:
    return layer.width() > 0 and layer.height() > 0


def check_pair(before: QgsRasterLayer, after: QgsRasterLayer, context: QgsProcessingContext) -> None:
    """What can be said of two layers before anything is opened.

    Raises
    ------
    RasterError
        The same raster twice, or one without a CRS.
    NoOverlapError
        They share no ground.
    """
    if before.source() == after.source() and before.providerType() == after.providerType():
        raise RasterError(f"the same raster for BEFORE and AFTER ({before.name()})", "two rasters of one place", "choose the later one as AFTER")
    for role, layer in (("BEFORE", before), ("AFTER", after)):
        if not layer.crs().isValid():
            do = "set it with Layer > Set CRS of Layer, or in the file with gdal_edit.py -a_srs"
            raise RasterError(f"the {role} raster {layer.name()} has no CRS", "a georeferenced raster", do)
    if not Area(after.extent(), after.crs()).into(before.crs(), context).intersects(before.extent()):
        places = [f"{layer.name()} ({layer.extent().toString(1)}, {layer.crs().authid()})" for layer in (before, after)]
        got = f"{' and '.join(places)} share no ground"
        raise NoOverlapError(got, "two rasters of one place", "check the CRS of both layers and that they show the same place")


def bands_of(layer: QgsRasterLayer, wanted: list[int], context: QgsProcessingContext) -> tuple[int, ...] | None:
    """Bands for red, green, blue: the parameter's, else those the project shows; None leaves the choice to the engine.

    A layer that Processing opened from a file has only QGIS's default look, nobody's choice; there the engine chooses as on the command line.

    Raises
    ------
    RasterError
        Neither one nor three bands, or one that the raster does not have.
    """
    if wanted:
        if len(wanted) not in (1, 3) or not all(1 <= band <= layer.bandCount() for band in wanted):
            got = f"bands {', '.join(map(str, wanted))} of {layer.name()}, which has {layer.bandCount()}"
            raise RasterError(got, "three bands (red, green, blue) or one", "choose three, or none for those the layer shows")
        return tuple(wanted) if len(wanted) == 3 else (wanted[0],) * 3
    project = context.project()
    if project is None or project.mapLayer(layer.id()) is None:
        return None
    return shown_bands(layer)


def shown_bands(layer: QgsRasterLayer) -> tuple[int, ...] | None:
    """Bands that the layer's renderer shows as red, green and blue, or its grey band three times; None for other looks."""
    renderer = layer.renderer()
    kind = renderer.type() if renderer is not None else ""
    if kind == "multibandcolor":
        bands = (renderer.redBand(), renderer.greenBand(), renderer.blueBand())
    elif kind == "singlebandgray":
        bands = (renderer.grayBand(),) * 3
    else:
        return None
    return bands if all(band >= 1 for band in bands) else None


def gdal_input(layer: QgsRasterLayer, bands: tuple[int, ...] | None) -> RasterInput:
    """A GDAL layer as it lies on disk; a CRS that the user set in QGIS goes along.

    Raises
    ------
    RasterError
        The CRS set in QGIS has no authority's code, so that it cannot be passed on.
    """
    path, _, options = layer.source().partition("|")
    notes = [f"{layer.name()}: the layer's open options ({options}) are not passed on"] if options else []
    own = layer.dataProvider().crs()
    if layer.crs() == own:
        return RasterInput(path, bands, layer.crs(), layer.name(), notes)
    if not layer.crs().authid() or layer.crs().authid().startswith("USER:"):
        do = "write it into the file with gdal_edit.py -a_srs, or save the layer with that CRS"
        raise RasterError(f"{layer.name()} has a custom CRS that was set in QGIS", "one with a code such as EPSG:32633", do)
    notes.append(f"{layer.name()}: taken as {layer.crs().authid()}, as set in QGIS; the file says {own.authid() or 'nothing'}")
    return RasterInput(f"vrt://{path}?a_srs={layer.crs().authid()}", bands, layer.crs(), layer.name(), notes)


def written_input(layer: QgsRasterLayer, area: Area, other: QgsRasterLayer, path: str, context: QgsProcessingContext) -> RasterInput:
    """Write an online or database layer to a GeoTIFF: its grid if it has one, else the other raster's resolution.

    Raises
    ------
    RasterError
        Too many pixels, or the layer gave none.
    """
    rectangle = area.into(layer.crs(), context).intersect(layer.extent())
    if rectangle.isEmpty():
        raise NoOverlapError(f"{layer.name()} does not reach the area", "a layer that covers it", "choose another extent")
    pixel_x, pixel_y = _pixel_size(layer, rectangle, other, context)
    width, height = max(1, math.ceil(rectangle.width() / pixel_x)), max(1, math.ceil(rectangle.height() / pixel_y))
    if width * height > MAX_PIXELS:
        got = f"{layer.name()} would give {width} × {height} pixels for this area"
        raise RasterError(got, f"at most {MAX_PIXELS // 1_000_000} million", "choose a smaller EXTENT, or save the layer as GeoTIFF first")
    rectangle.setXMaximum(rectangle.xMinimum() + width * pixel_x)
    rectangle.setYMinimum(rectangle.yMaximum() - height * pixel_y)
    pipe = QgsRasterPipe()
    pipe.set(layer.dataProvider().clone())
    if layer.bandCount() == 1 and layer.renderer() is not None and layer.renderer().type() == "singlebandcolordata":
        pipe.set(layer.renderer().clone())
    writer = QgsRasterFileWriter(path)
    failed = writer.writeRaster(pipe, width, height, rectangle, layer.crs(), context.transformContext())
    if failed or not os.path.isfile(path):
        raise RasterError(f"{layer.name()} gave no picture (error {failed})", "a layer that can be drawn", "check that it shows on the map here")
    if _is_empty(path):
        raise RasterError(
            f"{layer.name()} gave an empty picture of this area", "a layer with data here", "check the connection and that it shows on the map"
        )
    note = f"{layer.name()} is no file: {width} × {height} pixels of it were written to a GeoTIFF"
    return RasterInput(path, None, layer.crs(), layer.name(), [note])


def _is_empty(path: str) -> bool:
    """Whether a rendered picture is transparent all over: servers that fail or have nothing answer so."""
    picture = QgsRasterLayer(path, "picture")
    if picture.bandCount() != 4:
        return False
    return picture.dataProvider().bandStatistics(4, QgsRasterBandStats.Stats.Max).maximumValue == 0


def _pixel_size(layer: QgsRasterLayer, rectangle: QgsRectangle, other: QgsRasterLayer, context: QgsProcessingContext) -> tuple[float, float]:
    """Pixel width and height in the layer's units."""
    if has_grid(layer):
        return layer.rasterUnitsPerPixelX(), layer.rasterUnitsPerPixelY()
    if has_grid(other):
        seen = Area(other.extent(), other.crs()).into(layer.crs(), context)
        return seen.width() / other.width(), seen.height() / other.height()
    measure = QgsDistanceArea()
    measure.setSourceCrs(layer.crs(), context.transformContext())
    measure.setEllipsoid("WGS84")
    centre = rectangle.center()
    step = rectangle.width() / 1000
    unit_m = measure.measureLine(centre, QgsPointXY(centre.x() + step, centre.y())) / step
    return ONLINE_M / unit_m, ONLINE_M / unit_m


def prepare_pair(
    before: QgsRasterLayer,
    after: QgsRasterLayer,
    bands: tuple[list[int], list[int]],
    area: Area | None,
    folder: str,
    context: QgsProcessingContext,
) -> tuple[RasterInput, RasterInput]:
    """Both rasters as the engine's input.

    Parameters
    ----------
    bands : (list of int, list of int)
        The band parameters; empty where the user chose none.
    area : Area or None
        What is to be captioned; None is all the ground they share. Only used for layers that must be written.
    folder : str
        Temporary folder for what is written.

    Raises
    ------
    InputError
        A raster that cannot be used; says what to do.
    """
    inputs = []
    for role, layer, other, wanted in (("before", before, after, bands[0]), ("after", after, before, bands[1])):
        if is_gdal(layer):
            inputs.append(gdal_input(layer, bands_of(layer, wanted, context)))
            continue
        if area is None and not (has_grid(layer) or has_grid(other)):
            raise AreaError("two online layers without an extent", "a limited area", "set EXTENT or AOI")
        wished = area or Area(other.extent() if has_grid(other) else layer.extent(), other.crs() if has_grid(other) else layer.crs())
        written = written_input(layer, wished, other, os.path.join(folder, f"{role}.tif"), context)
        inputs.append(replace(written, bands=bands_of(layer, wanted, context)))
    return inputs[0], inputs[1]
