"""Two rasters in, a grid of captions out."""

from __future__ import annotations

import tempfile
import time

from qgis.core import (
    QgsFeatureSink,
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBand,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterLayer,
    QgsProcessingUtils,
    QgsWkbTypes,
)

from ...engine.errors import AreaError, Cancelled, ChangeScribeError
from ...engine.schema import CaptionRequest
from .areas import write_area
from .base import COUNTS, ChangeScribeAlgorithm, as_processing, cancelled_note, run_engine
from .grid_layer import finish_layer, grid_feature, grid_fields, shapefile_warning
from .rasters import Area, bands_of, check_pair, prepare_pair

BEFORE, AFTER, BEFORE_BANDS, AFTER_BANDS = "BEFORE", "AFTER", "BEFORE_BANDS", "AFTER_BANDS"
EXTENT, AOI, OUTPUT = "EXTENT", "AOI", "OUTPUT"


class CaptionChanges(ChangeScribeAlgorithm):
    NAME = "captionchanges"
    TITLE = "Caption changes"
    TAGS = ("grid", "tiles", "text")
    HELP = (
        "Describes in plain English what changed between two rasters of one place. The area is cut into tiles; each cell of the output holds a caption, "
        "whether it changed, a change score, and the classes that were added, removed and altered.\n\n"
        "The rasters may differ in CRS, resolution and extent: the AFTER raster is warped to the grid of the BEFORE raster. "
        "Tiles with too little data in either are skipped and marked so.\n\n"
        "Bands: choose three (red, green, blue) or one; without a choice, those that the layer shows in the project are taken.\n\n"
        "Area: an extent, or the polygons of a layer (selected features only, if wished); without either, all ground that the rasters share.\n\n"
        "The engine runs in its own process. Cancelling keeps what is captioned until then. If the engine is not set up, run 'Engine status' first."
    )

    def initAlgorithm(self, configuration=None) -> None:
        self.addParameter(QgsProcessingParameterRasterLayer(BEFORE, self.tr("Before")))
        self.addParameter(QgsProcessingParameterRasterLayer(AFTER, self.tr("After")))
        for name, parent, title in ((BEFORE_BANDS, BEFORE, "Bands of the before raster"), (AFTER_BANDS, AFTER, "Bands of the after raster")):
            self.addParameter(QgsProcessingParameterBand(name, self.tr(title), None, parent, True, True))
        self.addParameter(QgsProcessingParameterExtent(EXTENT, self.tr("Extent"), None, True))
        polygons = [QgsProcessing.SourceType.TypeVectorPolygon]
        self.addParameter(QgsProcessingParameterFeatureSource(AOI, self.tr("Area (polygons)"), polygons, None, True))
        self.add_engine_parameters()
        self.addParameter(QgsProcessingParameterFeatureSink(OUTPUT, self.tr("Change captions"), QgsProcessing.SourceType.TypeVectorPolygon))
        for name in COUNTS:
            self.addOutput(QgsProcessingOutputNumber(name, self.tr(f"Tiles {name.lower()}" if name != "TILES" else "Tiles")))

    def checkParameterValues(self, parameters, context):
        ok, message = super().checkParameterValues(parameters, context)
        if not ok:
            return ok, message
        before, after = (self.parameterAsRasterLayer(parameters, name, context) for name in (BEFORE, AFTER))
        try:
            if before is not None and after is not None:
                check_pair(before, after, context)
                for layer, wanted in zip((before, after), self._bands(parameters, context)):
                    bands_of(layer, wanted, context)
            if parameters.get(AOI) not in (None, "") and parameters.get(EXTENT) not in (None, ""):
                raise AreaError("an extent and an area layer", "one of the two", "clear EXTENT or AOI")
            CaptionRequest("before", "after", **self.engine_options(parameters, context)).verify()
        except ChangeScribeError as error:
            return False, str(error)
        return True, ""

    def prepareAlgorithm(self, parameters, context, feedback) -> bool:
        layers = [self.parameterAsRasterLayer(parameters, name, context) for name in (BEFORE, AFTER)]
        for name, layer in zip((BEFORE, AFTER), layers):
            if layer is None or not layer.isValid():
                raise QgsProcessingException(self.invalidRasterError(parameters, name))
        self.folder = tempfile.mkdtemp(dir=QgsProcessingUtils.tempFolder())
        try:
            check_pair(*layers, context)
            self.before, self.after = prepare_pair(*layers, self._bands(parameters, context), self._area(parameters, context), self.folder, context)
        except ChangeScribeError as error:
            raise as_processing(error) from error
        for note in self.before.notes + self.after.notes:
            feedback.pushWarning(note)
        return True

    def processAlgorithm(self, parameters, context, feedback) -> dict:
        fields = grid_fields()
        sink, self.destination = self.parameterAsSink(parameters, OUTPUT, context, fields, QgsWkbTypes.Type.Polygon, self.before.crs)
        if sink is None:
            raise QgsProcessingException(self.invalidSinkError(parameters, OUTPUT))
        if warning := shapefile_warning(self.destination):
            feedback.pushWarning(warning)
        counts = dict.fromkeys(COUNTS, 0)
        self.provenance = {"started": _now()}

        def on_tile(tile: dict) -> None:
            if not sink.addFeature(grid_feature(fields, tile), QgsFeatureSink.Flag.FastInsert):
                raise QgsProcessingException(f"A tile could not be written to {self.destination}: {sink.lastError()}")
            count(counts, tile["properties"])

        try:
            request = self._request(parameters, context, feedback)
            self.provenance["request"] = request
            message = {"type": "caption", "request": request, "output": None, "resume": False}
            self.provenance["result"] = run_engine(message, feedback, on_tile)
        except Cancelled as error:
            cancelled_note(error, feedback)
        except ChangeScribeError as error:
            raise as_processing(error) from error
        finally:
            sink.flushBuffer()
        self.provenance.update(finished=_now(), counts=counts)
        feedback.pushInfo(", ".join(f"{name.lower()} {value}" for name, value in counts.items()))
        return {OUTPUT: self.destination, **counts}

    def postProcessAlgorithm(self, context, feedback) -> dict:
        layer = QgsProcessingUtils.mapLayerFromString(self.destination, context)
        if layer is not None:
            finish_layer(layer, self.provenance)
        return {}  # keeps the results of processAlgorithm

    def _request(self, parameters, context, feedback) -> dict:
        """The request's JSON; writes the area layer's polygons to a file.

        Raises
        ------
        InputError
            A member that the engine would refuse.
        """
        options = self.engine_options(parameters, context)
        if parameters.get(AOI) not in (None, ""):
            source = self.parameterAsSource(parameters, AOI, context)
            if source is None:
                raise AreaError("an area layer that cannot be read", "a polygon layer", "choose another AOI")
            options["aoi"] = write_area(source, self.folder, context, feedback)
        elif parameters.get(EXTENT) not in (None, ""):
            extent = self.parameterAsExtent(parameters, EXTENT, context, self.before.crs)
            options["extent"] = (extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum())
        request = CaptionRequest(self.before.path, self.after.path, self.before.bands, self.after.bands, **options)
        request.verify()
        return request.to_json()

    def _bands(self, parameters, context) -> tuple[list[int], list[int]]:
        before, after = (self.parameterAsInts(parameters, name, context) if parameters.get(name) else [] for name in (BEFORE_BANDS, AFTER_BANDS))
        return before, after

    def _area(self, parameters, context) -> Area | None:
        """What online layers must be written for."""
        if parameters.get(EXTENT) not in (None, ""):
            crs = self.parameterAsExtentCrs(parameters, EXTENT, context)
            return Area(self.parameterAsExtent(parameters, EXTENT, context, crs), crs)
        source = self.parameterAsSource(parameters, AOI, context) if parameters.get(AOI) not in (None, "") else None
        return Area(source.sourceExtent(), source.sourceCrs()) if source is not None else None


def count(counts: dict, properties: dict) -> None:
    """Add a tile to COUNTS."""
    counts["TILES"] += 1
    name = {"captioned": "CAPTIONED", "unchanged": "CAPTIONED", "skipped_nodata": "SKIPPED", "failed": "FAILED"}[properties["status"]]
    counts[name] += 1
    counts["CHANGED"] += int(bool(properties["changed"]))


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
