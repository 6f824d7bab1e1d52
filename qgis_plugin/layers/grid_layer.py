"""The grid of captions as QGIS fields, features and a finished layer."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from qgis.core import (
    Qgis,
    QgsDateTimeRange,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsLayerMetadata,
    QgsLineString,
    QgsPoint,
    QgsPolygon,
    QgsProcessingContext,
    QgsProviderRegistry,
    QgsRasterLayer,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QMetaType, QVariant

from ...engine import __version__
from ...engine.contract.fields import written_fields
from ...engine.contract.tiles import LAYER_NAME
from ..i18n import tr
from .target import layer_in_file

STYLES = Path(__file__).absolute().parents[2] / "resources" / "styles"
STYLE, HEATMAP_STYLE = STYLES / "change_captions.qml", STYLES / "change_heat.qml"

# QgsField takes QMetaType types since QGIS 3.38 and only QVariant's before.
if Qgis.QGIS_VERSION_INT >= 33800:
    TYPES = {"text": QMetaType.Type.QString, "int": QMetaType.Type.Int, "bool": QMetaType.Type.Bool, "real": QMetaType.Type.Double}
else:
    TYPES = {"text": QVariant.String, "int": QVariant.Int, "bool": QVariant.Bool, "real": QVariant.Double}


def field(name: str, kind: str, alias: str = "") -> QgsField:
    """A field of one of the schema's types: text, int, bool or real."""
    made = QgsField(name, TYPES[kind])
    made.setAlias(alias)
    return made


def grid_fields(asked: bool = False) -> QgsFields:
    """Fields of the output layer, in the schema's order; ``asked``: of a run that asks a question."""
    fields = QgsFields()
    for column in written_fields(asked):
        fields.append(field(column.name, column.kind, column.alias))
    return fields


def grid_feature(fields: QgsFields, tile: dict) -> QgsFeature:
    """A feature from the body of a ``tile`` message (properties, footprint)."""
    feature = QgsFeature(fields)
    feature.setGeometry(footprint_geometry(tile["footprint"]))
    properties = tile["properties"]
    feature.setAttributes([properties.get(name) for name in fields.names()])
    return feature


def footprint_geometry(ring: list) -> QgsGeometry:
    """Polygon of a footprint: a closed ring of (x, y)."""
    polygon = QgsPolygon()
    polygon.setExteriorRing(QgsLineString([QgsPoint(x, y) for x, y in ring]))
    return QgsGeometry(polygon)


def shapefile_warning(destination: str) -> str:
    """What a Shapefile would lose, or an empty text for other formats."""
    if not destination.lower().endswith(".shp"):
        return ""
    return tr(
        "A Shapefile cuts field names to 10 characters and texts to 254; choose GeoPackage to keep names, captions, style and provenance whole."
    )


def keep_partial(destination: str, context: QgsProcessingContext, folder: str) -> str:
    """Where a cancelled run's output can be found: its file, or the copy of a temporary layer that is made here.

    The Processing dialog drops the layers of a cancelled run, temporary ones for good.
    """
    layer = context.temporaryLayerStore().mapLayer(destination)
    if layer is None or layer.dataProvider().name() != "memory":
        return destination
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", LAYER_NAME
    path = os.path.join(folder, "partial.gpkg")
    QgsVectorFileWriter.writeAsVectorFormatV3(layer, path, context.transformContext(), options)
    return path


def finish_layer(layer: QgsVectorLayer, provenance: dict) -> None:
    """Give a written grid its style and its provenance; a layer in a file keeps both (main thread).

    Parameters
    ----------
    provenance : dict
        JSON-ready: request, counts, versions, times.
    """
    if STYLE.is_file():
        layer.loadNamedStyle(str(STYLE))
    metadata = QgsLayerMetadata()
    metadata.setType("dataset")
    metadata.setTitle("Change captions")
    metadata.setAbstract("What changed between two rasters, tile by tile. Made by ChangeScribe " + __version__ + ". " + _json(provenance))
    metadata.setCrs(layer.crs())
    metadata.setHistory([f"{key}: {_json(value)}" for key, value in provenance.items()])
    layer.setMetadata(metadata)
    if layer.dataProvider().name() == "ogr":
        _keep_in_file(layer, metadata)


def _json(value) -> str:
    """JSON without what QGIS, which shows metadata as HTML, would take for a tag: a file's name may hold one."""
    return json.dumps(value).replace("<", "\\u003c")


def _keep_in_file(layer: QgsVectorLayer, metadata: QgsLayerMetadata) -> None:
    path = layer.source().split("|")[0]
    if not path.lower().endswith(".gpkg"):
        layer.saveDefaultMetadata()
        if not path.lower().endswith(".shp"):  # whose cut field names the style would not find
            layer.saveNamedStyle(str(Path(path).with_suffix(".qml")))
        return
    registry = QgsProviderRegistry.instance()
    # Without its layer's name QGIS 3.22 looks for a layer of no name in the GeoPackage and saves nothing.
    name = registry.decodeUri("ogr", layer.source()).get("layerName") or layer_in_file(layer)
    registry.saveLayerMetadata("ogr", registry.encodeUri("ogr", {"path": path, "layerName": name}), metadata)
    if layer.listStylesInDatabase()[0] == 0:  # of a layer that was replaced; to save another would open a dialog
        layer.saveStyleToDatabase("change_captions", "ChangeScribe", True, "")


def finish_heatmap(path: str, layer: QgsRasterLayer | None) -> None:
    """Give a heat map its style, which lies beside the file (main thread); ``layer`` is it where it goes onto the map."""
    shutil.copyfile(HEATMAP_STYLE, Path(path).with_suffix(".qml"))
    if layer is not None:
        layer.loadNamedStyle(str(HEATMAP_STYLE))


def set_period(layer: QgsVectorLayer, period: QgsDateTimeRange | None) -> None:
    """Say when the tiles' changes happened: QGIS's temporal controller shows the layer while its time meets this one."""
    if period is not None:
        temporal = layer.temporalProperties()
        temporal.setMode(Qgis.VectorTemporalMode.FixedTemporalRange)
        temporal.setFixedTemporalRange(period)
        temporal.setIsActive(True)


def save_style(layer: QgsVectorLayer, period: QgsDateTimeRange | None = None) -> None:
    """Show a GeoPackage that the engine wrote in the plugin's style, and keep it there unless it has one already.

    Parameters
    ----------
    period : as in ``set_period``
    """
    if not layer.isValid() or not STYLE.is_file():
        return
    # A resumed run's file has its style, perhaps changed by the user. To save it again would open a dialog that asks whether to overwrite it.
    if layer.listStylesInDatabase()[0] > 0:
        return
    layer.loadNamedStyle(str(STYLE))
    set_period(layer, period)
    layer.saveStyleToDatabase("change_captions", "ChangeScribe", True, "")
