"""Two rasters in, a grid of captions out."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsFeatureSink,
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingUtils,
    QgsWkbTypes,
)

from ...engine.errors import AreaError, Cancelled, ChangeScribeError
from .areas import write_area
from .base import COUNTS, as_processing, run_engine
from .grid_layer import finish_layer, grid_feature, grid_fields, keep_partial, shapefile_warning
from .pair import PairAlgorithm, count, utc_now
from .rasters import Area

EXTENT, AOI, OUTPUT = "EXTENT", "AOI", "OUTPUT"


class CaptionChanges(PairAlgorithm):
    NAME = "captionchanges"
    TITLE = "Caption changes"
    TAGS = ("grid", "tiles", "text")
    HELP = (
        "Describes in plain English what changed between two rasters of one place. The area is cut into tiles; each cell of the output has "
        "a caption, whether it changed, a change score, and the classes that were added, removed and altered.\n\n"
        "The rasters may differ in CRS, resolution and extent: the AFTER raster is warped to the grid of the BEFORE raster. "
        "Tiles with too little data in either are skipped and marked so.\n\n"
        "Bands: choose three (red, green, blue) or one; without a choice, those that the layer shows in the project are taken.\n\n"
        "Area: an extent, or the polygons of a layer (selected features only, if wished); without either, all ground that the rasters share.\n\n"
        "The engine runs in its own process. Cancelling keeps what is captioned until then. If the engine is not set up, run 'Engine status' first."
    )

    def initAlgorithm(self, configuration=None) -> None:
        self.add_pair_parameters()
        self.addParameter(QgsProcessingParameterExtent(EXTENT, self.tr("Extent"), None, True))
        polygons = [QgsProcessing.SourceType.TypeVectorPolygon]
        self.addParameter(QgsProcessingParameterFeatureSource(AOI, self.tr("Area (polygons)"), polygons, None, True))
        self.add_engine_parameters()
        self.addParameter(QgsProcessingParameterFeatureSink(OUTPUT, self.tr("Change captions"), QgsProcessing.SourceType.TypeVectorPolygon))
        self.add_count_outputs()

    def check_area(self, parameters) -> None:
        if _given(parameters, AOI) and _given(parameters, EXTENT):
            raise AreaError("an extent and an area layer", "one of the two", "clear EXTENT or AOI")

    def wanted_area(self, parameters, context) -> Area | None:
        if _given(parameters, EXTENT):
            crs = self.parameterAsExtentCrs(parameters, EXTENT, context)
            return Area(self.parameterAsExtent(parameters, EXTENT, context, crs), crs)
        source = self.parameterAsSource(parameters, AOI, context) if _given(parameters, AOI) else None
        return Area(source.sourceExtent(), source.sourceCrs()) if source is not None else None

    def processAlgorithm(self, parameters, context, feedback) -> dict:
        fields = grid_fields()
        sink, self.destination = self.parameterAsSink(parameters, OUTPUT, context, fields, QgsWkbTypes.Type.Polygon, self.before.crs)
        if sink is None:
            raise QgsProcessingException(self.invalidSinkError(parameters, OUTPUT))
        if warning := shapefile_warning(self.destination):
            feedback.pushWarning(warning)
        counts = dict.fromkeys(COUNTS, 0)
        self.provenance: dict[str, Any] = {"started": utc_now(), "before": self.before.name, "after": self.after.name}

        def on_tile(tile: dict) -> None:
            if not sink.addFeature(grid_feature(fields, tile), QgsFeatureSink.Flag.FastInsert):
                raise QgsProcessingException(f"A tile could not be written to {self.destination}: {sink.lastError()}")
            count(counts, tile["properties"])

        try:
            request = self.request(parameters, context, **self._area(parameters, context, feedback))
            self.provenance["request"] = request
            message = {"type": "caption", "request": request, "output": None, "resume": False}
            self.provenance["result"] = run_engine(message, feedback, on_tile)
        except Cancelled as error:
            sink.flushBuffer()
            feedback.pushWarning(f"{error} What was captioned until then is in {keep_partial(self.destination, context, self.folder)}")
        except ChangeScribeError as error:
            raise as_processing(error) from error
        finally:
            sink.flushBuffer()
        self.provenance.update(finished=utc_now(), counts=counts)
        feedback.pushInfo(", ".join(f"{name.lower()} {value}" for name, value in counts.items()))
        return {OUTPUT: self.destination, **counts}

    def postProcessAlgorithm(self, context, feedback) -> dict:
        layer = QgsProcessingUtils.mapLayerFromString(self.destination, context)
        if layer is not None:
            finish_layer(layer, self.provenance)
        return {}  # keeps the results of processAlgorithm

    def _area(self, parameters, context, feedback) -> dict:
        """``aoi`` or ``extent`` of the request; writes the area layer's polygons to a file."""
        if _given(parameters, AOI):
            source = self.parameterAsSource(parameters, AOI, context)
            if source is None:
                raise AreaError("an area layer that cannot be read", "a polygon layer", "choose another AOI")
            return {"aoi": write_area(source, self.folder, context, feedback)}
        if _given(parameters, EXTENT):
            extent = self.parameterAsExtent(parameters, EXTENT, context, self.before.crs)
            return {"extent": (extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum())}
        return {}


def _given(parameters: dict, name: str) -> bool:
    return parameters.get(name) not in (None, "")
