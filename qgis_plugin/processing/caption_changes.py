"""Two rasters in, a grid of captions out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsFeatureSink,
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterDestination,
    QgsProcessingUtils,
    QgsWkbTypes,
)

from ...engine.contract.errors import AreaError, Cancelled, ChangeScribeError, OutputError
from ...engine.contract.heatmap import HeatmapOutput
from ..i18n import error_text, mark, tr
from ..layers.areas import check_polygons, write_area
from ..layers.grid_layer import finish_heatmap, finish_layer, grid_feature, grid_fields, keep_partial, shapefile_warning
from ..layers.rasters import Area
from ..layers.target import open_sink
from .base import COUNTS, as_processing, run_engine
from .pair import OUTPUT, PairAlgorithm, count, utc_now

EXTENT, AOI, HEATMAP = "EXTENT", "AOI", "HEATMAP"


class CaptionChanges(PairAlgorithm):
    NAME = "captionchanges"
    TITLE = mark("Caption changes")
    TAGS = ("grid", "tiles", "text")
    EXAMPLE = "--BEFORE=2019.tif --AFTER=2023.tif --OUTPUT=changes.gpkg"
    HELP = mark(
        "Describes in plain English what changed between two rasters of one place. The area is cut into tiles; each cell of the output has "
        "a caption, whether it changed, a change score, and the classes that were added, removed and altered.\n\n"
        "The rasters may differ in CRS, resolution and extent: the AFTER raster is warped to the grid of the BEFORE raster. "
        "Tiles with too little data in either are skipped and marked so.\n\n"
        "Bands: choose three (red, green, blue) or one; without a choice, those that the layer shows in the project are taken.\n\n"
        "Heat map (optional): a raster on the pixels of the BEFORE raster that says where in the changed tiles buildings changed, in percent.\n\n"
        "Area: an extent, or the polygons of a layer (selected features only, if wished); without either, all ground that the rasters share.\n\n"
        "The engine runs in its own process. Cancelling keeps what is captioned until then. If the engine is not set up, run 'Engine status' first."
    )

    def initAlgorithm(self, configuration=None) -> None:
        self.add_pair_parameters()
        self.addParameter(QgsProcessingParameterExtent(EXTENT, tr("Extent"), None, True))
        polygons = [QgsProcessing.SourceType.TypeVectorPolygon]
        self.addParameter(QgsProcessingParameterFeatureSource(AOI, tr("Area (polygons)"), polygons, None, True))
        self.add_engine_parameters()
        self.addParameter(QgsProcessingParameterFeatureSink(OUTPUT, tr("Change captions"), QgsProcessing.SourceType.TypeVectorPolygon))
        self.addParameter(QgsProcessingParameterRasterDestination(HEATMAP, tr("Heat map (GeoTIFF)"), None, True, False))
        self.add_count_outputs()

    def checkParameterValues(self, parameters, context):
        ok, message = super().checkParameterValues(parameters, context)
        try:
            if ok and _given(parameters, HEATMAP):
                heatmap = HeatmapOutput(self.parameterAsFileOutput(parameters, HEATMAP, context))
                heatmap.verify()
                if heatmap.polygons:
                    raise OutputError(tr("{path} as heat map", path=heatmap.path), tr("a name that ends in .tif"), tr("correct the name"))
        except ChangeScribeError as error:
            return False, error_text(error)
        return ok, message

    def check_area(self, parameters, context) -> None:
        if _given(parameters, AOI) and _given(parameters, EXTENT):
            raise AreaError(tr("an extent and an area layer"), tr("one of the two"), tr("clear EXTENT or AOI"))
        source = self.parameterAsSource(parameters, AOI, context) if _given(parameters, AOI) else None
        if source is not None:  # inside a model it comes only at run time
            check_polygons(source)

    def wanted_area(self, parameters, context) -> Area | None:
        if _given(parameters, EXTENT):
            crs = self.parameterAsExtentCrs(parameters, EXTENT, context)
            return Area(self.parameterAsExtent(parameters, EXTENT, context, crs), crs)
        source = self.parameterAsSource(parameters, AOI, context) if _given(parameters, AOI) else None
        return Area(source.sourceExtent(), source.sourceCrs()) if source is not None else None

    def processAlgorithm(self, parameters, context, feedback) -> dict:
        fields = grid_fields("question" in self.engine_options(parameters, context))
        sink, self.destination = open_sink(self, parameters, OUTPUT, context, fields, QgsWkbTypes.Type.Polygon, self.before.crs)
        if warning := shapefile_warning(self.destination):
            feedback.pushWarning(warning)
        counts = dict.fromkeys(COUNTS, 0)
        self.heatmap: str | None = None
        self.provenance: dict[str, Any] = {"started": utc_now(), "before": self.before.name, "after": self.after.name}

        def on_tile(tile: dict) -> None:
            if not sink.addFeature(grid_feature(fields, tile), QgsFeatureSink.Flag.FastInsert):
                raise QgsProcessingException(
                    tr("A tile could not be written to {destination}: {reason}", destination=self.destination, reason=sink.lastError())
                )
            count(counts, tile["properties"])

        try:
            self.fetch(feedback)
            self.heatmap = self._new_heatmap(parameters, context)
            request = self.request(parameters, context, **self._area(parameters, context, feedback))
            self.provenance["request"] = request
            message = {"type": "caption", "request": request, "output": None, "resume": False, "heatmap": self.heatmap}
            self.provenance["result"] = run_engine(message, feedback, on_tile)
        except Cancelled as error:
            sink.flushBuffer()
            feedback.pushWarning(
                tr("{error} The tiles captioned so far are in {place}", error=error, place=keep_partial(self.destination, context, self.folder))
            )
        except ChangeScribeError as error:
            raise as_processing(error) from error
        finally:
            sink.flushBuffer()
        self.provenance.update(finished=utc_now(), counts=counts)
        feedback.pushInfo(", ".join(f"{name.lower()} {value}" for name, value in counts.items()))
        results = {OUTPUT: self.destination, **counts}
        if self.heatmap is not None and Path(self.heatmap).exists():  # a run that was cancelled early has none
            results[HEATMAP] = self.heatmap
        return results

    def postProcessAlgorithm(self, context, feedback) -> dict:
        layer = QgsProcessingUtils.mapLayerFromString(self.destination, context)
        if layer is not None:
            finish_layer(layer, self.provenance)
        if self.heatmap is not None and Path(self.heatmap).exists():
            finish_heatmap(self.heatmap, QgsProcessingUtils.mapLayerFromString(self.heatmap, context))
        return super().postProcessAlgorithm(context, feedback)

    def _new_heatmap(self, parameters, context) -> str | None:
        """Path of the heat map, if one is wanted; an earlier file is removed, because the toolbox overwrites and the engine would refuse."""
        if not _given(parameters, HEATMAP):
            return None
        path = self.parameterAsOutputLayer(parameters, HEATMAP, context)
        try:
            Path(path).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                tr("{path} cannot be overwritten ({error})", path=path, error=error), tr("a file that can"), tr("close it, or choose another name")
            ) from error
        return path

    def _area(self, parameters, context, feedback) -> dict:
        """``aoi`` or ``extent`` of the request; writes the area layer's polygons to a file."""
        if _given(parameters, AOI):
            source = self.parameterAsSource(parameters, AOI, context)
            if source is None:
                raise AreaError(tr("an area layer that cannot be read"), tr("a polygon layer"), tr("choose another AOI"))
            return {"aoi": write_area(source, self.folder, context, feedback)}
        if _given(parameters, EXTENT):
            extent = self.parameterAsExtent(parameters, EXTENT, context, self.before.crs)
            return {"extent": (extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum())}
        return {}


def _given(parameters: dict, name: str) -> bool:
    return parameters.get(name) not in (None, "")
