"""Two rasters and polygons in, one summarised row a polygon out."""

from __future__ import annotations

from qgis.core import (
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSink,
    QgsFields,
    QgsGeometry,
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingUtils,
    QgsSpatialIndex,
)

from ...engine.contract.errors import AreaError, Cancelled, ChangeScribeError
from ..i18n import mark, tr
from ..layers.areas import check_polygons, write_area
from ..layers.grid_layer import field, footprint_geometry, keep_partial, shapefile_warning
from ..layers.rasters import Area
from ..layers.summary import AREA_FIELDS, AreaSummary, row
from ..layers.target import open_sink
from .base import COUNTS, as_processing, run_engine
from .pair import OUTPUT, PairAlgorithm, count

INPUT = "INPUT"
# Less of a tile and of a polygon than this is rounding along a shared edge, not shared ground.
SLIVER = 1e-3


class CaptionArea(PairAlgorithm):
    NAME = "captionarea"
    TITLE = mark("Summarise changes by area")
    TAGS = ("zonal", "polygons", "summary", "statistics")
    EXAMPLE = "--BEFORE=2019.tif --AFTER=2023.tif --INPUT=districts.gpkg --OUTPUT=districts_changed.gpkg"
    HELP = mark(
        "Captions what changed between two rasters inside the polygons of a layer and adds it up: one row a polygon with its own attributes, "
        "the number of tiles, of changed ones, the changed share of its ground, the classes added, removed and altered (number of tiles), "
        "the captions that tell most, and a plain sentence.\n\n"
        "A tile counts for every polygon that it overlaps; shares are weighted by the overlap. "
        "After cancelling, rows hold what was captioned until then, and say so.\n\n"
        "The engine runs in its own process. If it is not set up, run 'Engine status' first."
    )

    def initAlgorithm(self, configuration=None) -> None:
        self.add_pair_parameters()
        self.addParameter(QgsProcessingParameterFeatureSource(INPUT, tr("Areas"), [QgsProcessing.SourceType.TypeVectorPolygon]))
        self.add_engine_parameters()
        self.addParameter(QgsProcessingParameterFeatureSink(OUTPUT, tr("Change by area"), QgsProcessing.SourceType.TypeVectorPolygon))
        self.add_count_outputs()

    def check_area(self, parameters, context) -> None:
        source = self.parameterAsSource(parameters, INPUT, context)
        if source is not None:  # inside a model it comes only at run time
            check_polygons(source)

    def wanted_area(self, parameters, context) -> Area | None:
        source = self.parameterAsSource(parameters, INPUT, context)
        return Area(source.sourceExtent(), source.sourceCrs()) if source is not None else None

    def processAlgorithm(self, parameters, context, feedback) -> dict:
        source = self.parameterAsSource(parameters, INPUT, context)
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, INPUT))
        added = QgsFields()
        for name, kind, alias in AREA_FIELDS:
            added.append(field(name, kind, alias))
        fields = QgsProcessingUtils.combineFields(source.fields(), added)
        sink, destination = open_sink(self, parameters, OUTPUT, context, fields, source.wkbType(), source.sourceCrs())
        if warning := shapefile_warning(destination):
            feedback.pushWarning(warning)
        tiles = Tiles()
        counts = dict.fromkeys(COUNTS, 0)

        def on_tile(tile: dict) -> None:
            tiles.add(tile)
            count(counts, tile["properties"])

        cancelled = None
        try:
            self.fetch(feedback)
            aoi = write_area(source, self.folder, context, feedback)
            message = {"type": "caption", "request": self.request(parameters, context, aoi=aoi), "output": None, "resume": False}
            run_engine(message, feedback, on_tile)
        except Cancelled as error:
            cancelled = error
        except ChangeScribeError as error:
            raise as_processing(error) from error
        transform = QgsCoordinateTransform(source.sourceCrs(), self.before.crs, context.transformContext())
        for feature in source.getFeatures(QgsFeatureRequest()):
            if not sink.addFeature(summarised(feature, fields, tiles, transform, cancelled is None), QgsFeatureSink.Flag.FastInsert):
                raise QgsProcessingException(
                    tr("A row could not be written to {destination}: {reason}", destination=destination, reason=sink.lastError())
                )
        if cancelled is not None:
            sink.flushBuffer()
            feedback.pushWarning(
                tr(
                    "{cancelled} Rows with the tiles captioned so far are in {place}",
                    cancelled=cancelled,
                    place=keep_partial(destination, context, self.folder),
                )
            )
        return {OUTPUT: destination, **counts}


class Tiles:
    """The run's tiles, found by place."""

    def __init__(self) -> None:
        self._index = QgsSpatialIndex()
        self._tiles: list[tuple[QgsGeometry, dict]] = []

    def add(self, tile: dict) -> None:
        geometry = footprint_geometry(tile["footprint"])
        self._index.addFeature(len(self._tiles), geometry.boundingBox())
        self._tiles.append((geometry, tile["properties"]))

    def summarise(self, area: QgsGeometry) -> AreaSummary:
        """Add up the tiles that share ground with a polygon (in the grid's CRS)."""
        summary = AreaSummary()
        for number in sorted(self._index.intersects(area.boundingBox())):
            geometry, properties = self._tiles[number]
            shared = geometry.intersection(area).area()
            if shared > SLIVER * min(geometry.area(), area.area()):
                summary.add(properties, shared)
        return summary


def summarised(feature: QgsFeature, fields: QgsFields, tiles: Tiles, transform: QgsCoordinateTransform, complete: bool) -> QgsFeature:
    """The area's feature with the summary's values behind its own.

    Raises
    ------
    QgsProcessingException
        Its polygon cannot be transformed to the grid's CRS.
    """
    area = QgsGeometry(feature.geometry())
    try:
        area.transform(transform)
    except QgsCsException as error:
        text = tr("The area with id {fid} cannot be transformed to the CRS of the before raster ({error})", fid=feature.id(), error=error)
        raise as_processing(AreaError(text, tr("a polygon on the rasters"), tr("correct its coordinates or CRS"))) from error
    if not area.isGeosValid():
        area = area.makeValid()
    values = row(tiles.summarise(area))
    if not complete:
        values[-1] = "Cancelled, partial: " + values[-1]
    result = QgsFeature(fields)
    result.setGeometry(feature.geometry())
    result.setAttributes(feature.attributes() + values)
    return result
