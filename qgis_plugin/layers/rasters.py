"""Raster parameters as the engine's input: path, CRS, bands.

Layers belong to the main thread, so all of this happens in an algorithm's preparation. Layers that the engine does not open are written to a
GeoTIFF later (``exports``).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from qgis.core import QgsCoordinateReferenceSystem, QgsProcessingContext, QgsRasterLayer

from ...engine.contract.errors import AreaError, NoOverlapError, RasterError
from ...engine.contract.validity import NodataSettings
from ..i18n import tr
from .exports import ONLINE_M, Export, PixelGrid, export_note, pixel_grid
from .sources import Area, engine_opens, has_grid
from .target import same_file
from .transparency import nodata_of


@dataclass(frozen=True)
class RasterInput:
    """A raster as the engine opens it.

    path : what GDAL opens. bands : three band numbers counted from 1, or None for the engine's own choice.
    crs : the raster's. name : the layer's. notes : what the user should know.
    export : what writes ``path`` first, where the engine does not open the layer itself.
    nodata : how the layer is set in QGIS, where that differs from the file.
    """

    path: str
    bands: tuple[int, ...] | None
    crs: QgsCoordinateReferenceSystem
    name: str
    notes: list[str] = field(default_factory=list)
    export: Export | None = None
    nodata: NodataSettings | None = None


def check_pair(before: QgsRasterLayer, after: QgsRasterLayer, context: QgsProcessingContext, bands: tuple[list[int], list[int]] = ([], [])) -> None:
    """What can be said of two layers before anything is opened.

    Parameters
    ----------
    bands : the band parameters; empty where the user chose none

    Raises
    ------
    RasterError
        The same bands of one raster twice, bands that it does not have, or a raster without a CRS.
    NoOverlapError
        They share no ground.
    """
    # One file may hold both dates, in bands of their own.
    if _is_one_raster(before, after) and bands_of(before, bands[0], context) == bands_of(after, bands[1], context):
        raise RasterError(
            tr("the same raster for BEFORE and AFTER ({before})", before=before.name()),
            tr("two rasters of one place"),
            tr("choose the later one as AFTER"),
        )
    for role, layer in (("BEFORE", before), ("AFTER", after)):
        if not layer.crs().isValid():
            do = tr("set it with Layer > Set CRS of Layer, or in the file with gdal_edit.py -a_srs")
            raise RasterError(tr("the {role} raster {layer} has no CRS", role=role, layer=layer.name()), tr("a georeferenced raster"), do)
    if not Area(after.extent(), after.crs()).into(before.crs(), context, before.extent()).intersects(before.extent()):
        places = [f"{layer.name()} ({layer.extent().toString(1)}, {layer.crs().authid()})" for layer in (before, after)]
        got = tr("{places} share no ground", places=" and ".join(places))
        raise NoOverlapError(got, tr("two rasters of one place"), tr("check the CRS of both layers and that they show the same place"))


def _is_one_raster(one: QgsRasterLayer, other: QgsRasterLayer) -> bool:
    if one.providerType() != other.providerType():
        return False
    return one.source() == other.source() or same_file(one.source(), other.source())


def check_on_rasters(area: Area, before: QgsRasterLayer, after: QgsRasterLayer, context: QgsProcessingContext) -> None:
    """Check that an area's bounds touch both layers.

    Raises
    ------
    NoOverlapError
    """
    for layer in (before, after):
        if not area.into(layer.crs(), context, layer.extent()).intersects(layer.extent()):
            where = f"({layer.extent().toString(1)}, {layer.crs().authid()})"
            got = tr(
                "an area ({rectangle}, {crs}) outside {layer} {where}",
                rectangle=area.rectangle.toString(1),
                crs=area.crs.authid(),
                layer=layer.name(),
                where=where,
            )
            raise NoOverlapError(got, tr("an area on the ground that both rasters share"), tr("check the area's coordinates and CRS"))


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
            got = tr("bands {bands} of {layer}, which has {count}", bands=", ".join(map(str, wanted)), layer=layer.name(), count=layer.bandCount())
            raise RasterError(got, tr("three bands (red, green, blue) or one"), tr("choose three, or none for those the layer shows"))
        return tuple(wanted) if len(wanted) == 3 else (wanted[0],) * 3
    project = context.project()
    if project is None or project.mapLayer(layer.id()) is None:
        return None
    return chosen_bands(layer)


def chosen_bands(layer: QgsRasterLayer) -> tuple[int, ...] | None:
    """Bands that the layer shows because somebody chose them, in QGIS or a style file; None leaves the choice to the engine.

    QGIS shows a raster of many bands as 1, 2, 3, whatever they are: in a Sentinel-2 product blue as red.
    """
    shown = shown_bands(layer)
    if not engine_opens(layer) or layer.bandCount() < 4:
        return shown
    plain = QgsRasterLayer(layer.source(), layer.name(), layer.providerType(), QgsRasterLayer.LayerOptions(False))
    return None if shown_bands(plain) == shown else shown


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
    notes = [tr("{layer}: the layer's open options ({options}) are not passed on", layer=layer.name(), options=options)] if options else []
    own = layer.dataProvider().crs()
    if layer.crs() == own:
        return RasterInput(path, bands, layer.crs(), layer.name(), notes, nodata=nodata_of(layer))
    if not layer.crs().authid() or layer.crs().authid().startswith("USER:"):
        do = tr("write it into the file with gdal_edit.py -a_srs, or save the layer with that CRS")
        raise RasterError(tr("{layer} has a custom CRS that was set in QGIS", layer=layer.name()), tr("one with a code such as EPSG:32633"), do)
    names = {"layer": layer.name(), "crs": layer.crs().authid(), "own": own.authid() or tr("nothing")}
    notes.append(tr("{layer}: taken as {crs}, as set in QGIS; the file says {own}", **names))
    return RasterInput(f"vrt://{path}?a_srs={layer.crs().authid()}", bands, layer.crs(), layer.name(), notes, nodata=nodata_of(layer))


def exported_input(layer: QgsRasterLayer, bands: tuple[int, ...] | None, grid: PixelGrid, path: str, context: QgsProcessingContext) -> RasterInput:
    """A layer that QGIS will write to ``path``."""
    return RasterInput(path, bands, layer.crs(), layer.name(), [export_note(layer, grid)], Export(layer, grid, path, context))


def prepare_pair(
    before: QgsRasterLayer,
    after: QgsRasterLayer,
    bands: tuple[list[int], list[int]],
    area: Area | None,
    folder: str,
    context: QgsProcessingContext,
    resolution: str | float = "native",
) -> tuple[RasterInput, RasterInput]:
    """Both rasters as the engine's input; ``exports_of`` says what must be written first.

    Parameters
    ----------
    bands : (list of int, list of int)
        The band parameters; empty where the user chose none.
    area : Area or None
        What is to be captioned; None is all the ground they share. Only used for layers that must be written.
    folder : str
        Temporary folder for what is written.
    resolution : as in CaptionRequest
        Metres a pixel are also what two online layers are fetched at.

    Raises
    ------
    InputError
        A raster that cannot be used; says what to do.
    """
    inputs = []
    for role, layer, other, wanted in (("before", before, after, bands[0]), ("after", after, before, bands[1])):
        chosen = bands_of(layer, wanted, context)
        if engine_opens(layer):
            inputs.append(gdal_input(layer, chosen))
        else:
            grid = grid_of(layer, other, area, resolution, context)
            inputs.append(exported_input(layer, chosen, grid, os.path.join(folder, f"{role}.tif"), context))
    return inputs[0], inputs[1]


def grid_of(layer: QgsRasterLayer, other: QgsRasterLayer, area: Area | None, resolution: str | float, context: QgsProcessingContext) -> PixelGrid:
    """Pixels that a layer is to be written in.

    Raises
    ------
    AreaError
        No limit to what would be fetched.
    InputError
        As ``pixel_grid``.
    """
    if area is None and not (has_grid(layer) or has_grid(other)):
        raise AreaError(tr("two online layers without an extent"), tr("a limited area"), tr("set EXTENT or AOI"))
    limit = other if has_grid(other) else layer
    online_m = resolution if isinstance(resolution, float) else ONLINE_M
    return pixel_grid(layer, area or Area(limit.extent(), limit.crs()), other, online_m, context)


def nodata_members(inputs: tuple[RasterInput, RasterInput]) -> dict[str, NodataSettings | None]:
    """Members of a request: how both layers are set in QGIS."""
    return {"before_nodata": inputs[0].nodata, "after_nodata": inputs[1].nodata}


def exports_of(inputs: tuple[RasterInput, RasterInput]) -> list[Export]:
    """What has to be written before the engine is called."""
    return [raster.export for raster in inputs if raster.export is not None]
