"""Polygon sources as a file that the engine opens."""

from __future__ import annotations

import os

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureSink,
    QgsFields,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsVectorFileWriter,
    QgsWkbTypes,
)

from ...engine.errors import AreaError, Cancelled, OutputError
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
    """Write a source's polygons (the selected ones, if the user wished so) and return the path.

    Raises
    ------
    AreaError
        No polygons, or no CRS.
    Cancelled
        The user stopped it.
    """
    geometries = []
    for feature in source.getFeatures():
        if feedback.isCanceled():
            raise Cancelled(tr("the run was cancelled"))
        if feature.hasGeometry() and not feature.geometry().isEmpty():
            geometries.append(feature.geometry())
    return write_polygons(geometries, source.sourceCrs(), source.sourceName(), folder, context)


def write_polygons(geometries: list[QgsGeometry], crs: QgsCoordinateReferenceSystem, name: str, folder: str, context: QgsProcessingContext) -> str:
    """Write polygons to a GeoPackage in ``folder`` and return the path.

    Raises
    ------
    AreaError
        There are none, or they have no CRS.
    OutputError
        The temporary file cannot be written.
    """
    if not geometries:
        raise _no_polygons(name)
    if not crs.isValid():
        raise _no_crs(name)
    path = os.path.join(folder, "area.gpkg")
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", "area"
    writer = QgsVectorFileWriter.create(path, QgsFields(), QgsWkbTypes.Type.MultiPolygon, crs, context.transformContext(), options)
    for geometry in geometries:
        feature = QgsFeature()
        copy = QgsGeometry(geometry)
        copy.convertToMultiType()
        feature.setGeometry(copy)
        writer.addFeature(feature, QgsFeatureSink.Flag.FastInsert)
    failed, message = writer.hasError(), writer.errorMessage()
    del writer  # closes the file
    if failed != QgsVectorFileWriter.WriterError.NoError:
        raise OutputError(
            tr("the area could not be written to {path} ({message})", path=path, message=message),
            tr("a writable temporary folder"),
            tr("free some space"),
        )
    return path
