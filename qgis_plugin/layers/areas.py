"""Polygon sources as a file that the engine opens."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureRequest,
    QgsFeatureSink,
    QgsFields,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsVectorFileWriter,
    QgsWkbTypes,
)

from ...engine.contract.errors import AreaError, Cancelled, OutputError
from ..i18n import tr


def check_polygons(source: QgsProcessingFeatureSource) -> None:
    """What can be said of an area layer before anything is read.

    Raises
    ------
    AreaError
        It has no features, or no CRS.
    """
    if source.featureCount() == 0:
        raise _no_polygons(source.sourceName())
    if not source.sourceCrs().isValid():
        raise _no_crs(source.sourceName())


def _no_polygons(name: str) -> AreaError:
    return AreaError(
        tr("the area {name} has no polygons", name=name), tr("at least one"), tr("choose a polygon layer; with 'selected features only' select some")
    )


def _no_crs(name: str) -> AreaError:
    return AreaError(tr("the area {name} has no CRS", name=name), tr("a layer with a CRS"), tr("set it with Layer > Set CRS of Layer"))


def write_area(source: QgsProcessingFeatureSource, folder: str, context: QgsProcessingContext, feedback) -> str:
    """Write a source's polygons (the selected ones, if the user wished so) and return the path; raises as ``AreaFile``."""
    area = AreaFile(polygons_of(source), source.sourceCrs(), source.sourceName(), folder, context)
    area.write(feedback.isCanceled)
    return area.path


def polygons_of(source) -> Iterator[QgsGeometry]:
    """Polygons of a source (a Processing parameter's or a layer's feature source), read only when they are asked for, in the thread that asks."""
    for feature in source.getFeatures(QgsFeatureRequest().setNoAttributes()):
        if feature.hasGeometry() and not feature.geometry().isEmpty():
            yield feature.geometry()


class AreaFile:
    """Polygons to be written to the GeoPackage ``path`` in a folder, once; made in the main thread.

    Raises
    ------
    AreaError
        They have no CRS.
    """

    def __init__(self, polygons: Iterator[QgsGeometry], crs: QgsCoordinateReferenceSystem, name: str, folder: str, context: QgsProcessingContext):
        if not crs.isValid():
            raise _no_crs(name)
        self.name, self.path = name, os.path.join(folder, "area.gpkg")
        self._polygons: Iterator[QgsGeometry] | None = polygons
        self._crs, self._transforms = crs, context.transformContext()

    def write(self, cancelled: Callable[[], bool]) -> list[str]:
        """Write the file, in any thread; it appears whole or not at all. Returns what the user should know of it: nothing.

        Raises
        ------
        AreaError
            There are no polygons.
        Cancelled
            ``cancelled`` said so.
        OutputError
            The file cannot be written.
        """
        with tempfile.TemporaryDirectory(dir=os.path.dirname(self.path)) as folder:
            part = os.path.join(folder, "area.gpkg")
            if not self._write(part, cancelled):
                raise _no_polygons(self.name)
            os.replace(part, self.path)
        return []

    def _write(self, path: str, cancelled: Callable[[], bool]) -> int:
        """Write to ``path``; the number of polygons."""
        polygons, self._polygons = self._polygons, None  # let go of the layer's data at once, as in exports
        options, count = QgsVectorFileWriter.SaveVectorOptions(), 0
        options.driverName, options.layerName = "GPKG", "area"
        writer = QgsVectorFileWriter.create(path, QgsFields(), QgsWkbTypes.Type.MultiPolygon, self._crs, self._transforms, options)
        for geometry in polygons:
            if cancelled():
                raise Cancelled(tr("the run was cancelled"))
            feature = QgsFeature()
            geometry.convertToMultiType()
            feature.setGeometry(geometry)
            writer.addFeature(feature, QgsFeatureSink.Flag.FastInsert)
            count += 1
        failed, message = writer.hasError(), writer.errorMessage()
        del writer  # closes the file
        if failed != QgsVectorFileWriter.WriterError.NoError:
            raise OutputError(
                tr("the area could not be written to {path} ({message})", path=self.path, message=message),
                tr("a writable temporary folder"),
                tr("free some space"),
            )
        return count
