"""A layer of change captions as a file that the engine reads."""

from __future__ import annotations

import os

from qgis.core import QgsProcessingContext, QgsProviderRegistry, QgsVectorFileWriter, QgsVectorLayer

from ...engine.contract.errors import InputError, OutputError
from ...engine.contract.fields import missing_core
from ...engine.contract.tiles import LAYER_NAME
from ..i18n import tr

OWN_SUBSET = "changescribe/own_subset"


def own_subset(layer: QgsVectorLayer) -> str:
    """The layer's filter, without what the panel's 'Only listed' adds to it: that one is kept in a property of the layer meanwhile."""
    return layer.customProperty(OWN_SUBSET) or "" if OWN_SUBSET in layer.customPropertyKeys() else layer.subsetString()


def check_layer(layer: QgsVectorLayer) -> None:
    """Raises InputError where a layer is none of change captions, or has edits that are not saved."""
    missing = missing_core(layer.fields().names())
    if missing:
        need = tr("a layer that ChangeScribe wrote")
        raise InputError(
            tr("the layer {layer} has no column {columns}", layer=layer.name(), columns=", ".join(missing)),
            need,
            tr("choose one; a Shapefile cuts names, so keep a GeoPackage"),
        )
    if layer.isModified():
        raise InputError(
            tr("the layer {layer} has edits that are not saved", layer=layer.name()),
            tr("the edits on the map saved in the layer"),
            tr("save the layer's edits"),
        )


def layer_file(layer: QgsVectorLayer, folder: str, context: QgsProcessingContext) -> str:
    """``path`` or ``path|layername=NAME`` of a GeoPackage that holds the layer: its own, else a copy in ``folder`` (main thread).

    Of a layer with a filter only what that leaves; what the panel hides on the map is there.

    Raises
    ------
    InputError
        As ``check_layer``. OutputError: the copy cannot be written.
    """
    check_layer(layer)
    registry = QgsProviderRegistry.instance()
    parts = registry.decodeUri("ogr", layer.source()) if layer.dataProvider().name() == "ogr" else {}
    path = parts.get("path", "")
    if path.lower().endswith(".gpkg") and os.path.isfile(path) and not own_subset(layer):
        return f"{path}|layername={parts['layerName']}" if parts.get("layerName") else path
    if own_subset(layer) != layer.subsetString():
        subset, layer = own_subset(layer), layer.clone()
        layer.setSubsetString(subset)
    copy = os.path.join(folder, "layer.gpkg")
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", LAYER_NAME
    error, reason = QgsVectorFileWriter.writeAsVectorFormatV3(layer, copy, context.transformContext(), options)[:2]
    if error:
        raise OutputError(
            tr("a copy of {layer} cannot be written ({reason})", layer=layer.name(), reason=reason),
            tr("room in the folder for temporary files"),
            tr("free some space"),
        )
    # Which rasters it was made of stands in the metadata.
    registry.saveLayerMetadata("ogr", registry.encodeUri("ogr", {"path": copy, "layerName": LAYER_NAME}), layer.metadata())
    return copy
