"""Where an algorithm's result goes, and what it would replace there: a person's corrections are never overwritten."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsDataProvider,
    QgsDataSourceUri,
    QgsFeatureRequest,
    QgsFeatureSink,
    QgsFields,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsProperty,
    QgsProviderRegistry,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsWkbTypes,
)

from ...engine.contract.errors import OutputError
from ...engine.contract.fields import REVIEW, names_of
from ..i18n import tr

# How QGIS writes a destination that is no plain path: "ogr:dbname='a.gpkg' table=\"b\" (geom)", "postgis:…".
_PROVIDER = re.compile(r"^(\w{3,}):(.*)$", re.S)
_TEMPORARY = ("", "TEMPORARY_OUTPUT")
_SHAPEFILE_NAME = 10  # characters that a Shapefile keeps of a column's name
_STYLES = "layer_styles"  # QGIS's table of styles in a GeoPackage


@dataclass(frozen=True)
class Target:
    """What a result replaces: a file, a layer of it, or a table of a database.

    provider : QGIS's name of what reads it. path : the file, empty for a database.
    layer : the layer or table that is replaced, empty for the whole file. uri : of a database's table.
    """

    provider: str
    path: str = ""
    layer: str = ""
    uri: str = ""

    @property
    def name(self) -> str:
        """What a user calls it."""
        if not self.path:
            return QgsDataSourceUri(self.uri).quotedTablename()
        return f"{self.path} ({self.layer})" if self.layer else self.path

    @property
    def extension(self) -> str:
        return Path(self.path).suffix[1:].lower()

    def is_of(self, layer: QgsVectorLayer) -> bool:
        """Whether a layer shows what would be replaced."""
        if not self.path:
            return layer.providerType() == self.provider and _table(layer.source()) == _table(self.uri)
        parts = QgsProviderRegistry.instance().decodeUri(layer.providerType(), layer.source())
        if not same_file(str(parts.get("path") or ""), self.path):
            return False
        return not self.layer or self.layer == (parts.get("layerName") or layer_in_file(layer))


def target_of(value: Any, context: QgsProcessingContext) -> Target | None:
    """What the value of a sink parameter would replace; None where it replaces nothing: a temporary layer, or rows added to a layer."""
    if isinstance(value, QgsProcessingOutputLayerDefinition):
        if value.useRemapping():
            return None
        value = value.sink
    if isinstance(value, QgsProperty):
        value = value.valueAsString(context.expressionContext(), "")[0]
    text = value if isinstance(value, str) else ""
    if text in _TEMPORARY or text.startswith("memory:"):
        return None
    match = _PROVIDER.match(text)
    provider = {"postgis": "postgres"}.get(match[1], match[1]) if match else "ogr"
    if match is None or provider not in QgsProviderRegistry.instance().providerList():
        return Target("ogr", _with_extension(text))
    uri = QgsDataSourceUri(match[2])
    if provider == "ogr":
        return Target(provider, uri.database() or _with_extension(match[2]), uri.table())
    return Target(provider, uri.database() if os.path.isfile(uri.database()) else "", uri.table(), match[2])


def same_file(one: str, other: str) -> bool:
    """Whether two paths name one file, links followed."""
    try:
        return bool(one) and os.path.samefile(one, other)
    except OSError:
        return False


def check_target(target: Target | None, project: QgsProject | None, spatial: bool = True) -> None:
    """Check that a target may be replaced (main thread).

    Parameters
    ----------
    spatial : the result has geometries

    Raises
    ------
    OutputError
        A layer of the project shows it and has unsaved edits; it holds saved corrections, or other layers; its format has no geometries.
    """
    if target is None:
        return
    if spatial and target.extension in _formats_without_geometry():
        raise OutputError(
            tr("{output}, a format without geometries", output=target.name),
            tr("a format that holds the tiles' polygons"),
            tr("choose GeoPackage, or .csv, which gets them as text (WKT)"),
        )
    if edited := unsaved(target, project):
        raise OutputError(
            tr("{output} is loaded as the layer {layer}, whose edits are not saved", output=target.name, layer=edited.name()),
            tr("an output that overwrites nobody's work"),
            tr("choose another output, or discard the layer's edits"),
        )
    names, reviewed = contents(target)
    if len(names) > 1:
        raise OutputError(
            tr("{output} holds several layers ({layers}), which would all be replaced", output=target.name, layers=", ".join(names)),
            tr("an output that overwrites nobody's work"),
            tr("choose another file, or 'Save to GeoPackage…' with a new layer name"),
        )
    if reviewed:
        raise OutputError(
            tr("{output} holds corrected or judged tiles", output=target.name),
            tr("an output that overwrites nobody's work"),
            tr("choose another output, or delete this one first"),
        )


def check_continued(path: str | Path, project: QgsProject | None) -> None:
    """Check that a run may continue a GeoPackage (main thread): what is saved in it stays.

    Raises
    ------
    OutputError
        A layer of the project shows it and has unsaved edits.
    """
    if edited := unsaved(Target("ogr", str(path)), project):
        raise OutputError(
            tr("{output} is loaded as the layer {layer}, whose edits are not saved", output=path, layer=edited.name()),
            tr("a layer without unsaved edits"),
            tr("save or discard the layer's edits"),
        )


def layer_in_file(layer: QgsVectorLayer) -> str:
    """Name of a layer in its file, where the layer's source does not say it: that of the file's first."""
    found = layer.dataProvider().subLayers()
    return found[0].split(QgsDataProvider.sublayerSeparator())[1] if found else ""


def shown_in(target: Target, project: QgsProject | None) -> Iterable[QgsVectorLayer]:
    """Layers of the project that show a target."""
    layers = project.mapLayers().values() if project is not None else ()
    return (layer for layer in layers if isinstance(layer, QgsVectorLayer) and target.is_of(layer))


def unsaved(target: Target, project: QgsProject | None) -> QgsVectorLayer | None:
    """A layer of the project that shows a target and has edits that are not saved; None without one."""
    return next((layer for layer in shown_in(target, project) if layer.isModified()), None)


def reload_shown(target: Target | None, project: QgsProject | None) -> list[str]:
    """Let the project's layers show what has replaced a target (main thread); names of those that are being edited by now.

    Without that they show the old file, and edits made in them would be saved into it: into nothing.
    """
    edited = []
    for layer in shown_in(target, project) if target is not None else ():
        if layer.isModified():
            edited.append(layer.name())
        else:
            layer.reload()
            layer.triggerRepaint()
    return edited


def contents(target: Target) -> tuple[list[str], bool]:
    """Names of the layers that would be replaced, and whether a person's corrections or verdicts are saved in one; no layer outlives the call."""
    options = QgsVectorLayer.LayerOptions(False)
    if not target.path:
        layers = [QgsVectorLayer(target.uri, target.layer, target.provider, options)]
    elif not os.path.exists(target.path):
        layers = []
    elif target.layer:
        layers = [QgsVectorLayer(f"{target.path}|layername={target.layer}", target.layer, "ogr", options)]
    else:
        found = [row for row in QgsProviderRegistry.instance().querySublayers(target.path) if row.providerKey() == "ogr" and row.name() != _STYLES]
        layers = [QgsVectorLayer(row.uri(), row.name(), "ogr", options) for row in found]
    valid = [layer for layer in layers if layer.isValid()]
    return [layer.name() for layer in valid], any(is_reviewed(layer) for layer in valid)


def is_reviewed(layer: QgsVectorLayer) -> bool:
    """Whether a person's corrections or verdicts are saved in a layer."""
    present = [name for full in names_of(REVIEW) for name in {full, full[:_SHAPEFILE_NAME]} if layer.fields().indexOf(name) >= 0]
    if not present:
        return False
    request = QgsFeatureRequest().setFilterExpression(" OR ".join(f"coalesce(\"{name}\", '') <> ''" for name in present))
    request.setFlags(QgsFeatureRequest.Flag.NoGeometry)
    return next(layer.getFeatures(request.setLimit(1)), None) is not None


def checked_target(parameters: dict, name: str, context: QgsProcessingContext, spatial: bool = True) -> Target | None:
    """What a sink parameter's value would replace.

    Called in checkParameterValues, and again in prepareAlgorithm: a model need not call the first. Raises as ``check_target``.
    """
    target = target_of(parameters.get(name), context)
    check_target(target, context.project(), spatial)
    return target


def open_sink(
    algorithm: QgsProcessingAlgorithm,
    parameters: dict,
    name: str,
    context: QgsProcessingContext,
    fields: QgsFields,
    kind: QgsWkbTypes.Type,
    crs: QgsCoordinateReferenceSystem,
) -> tuple[QgsFeatureSink, str]:
    """The sink of a parameter and its destination; replaces what is there. A .csv gets geometries as text (WKT).

    Raises
    ------
    QgsProcessingException
    """
    target = target_of(parameters.get(name), context)
    options: list[str] = []
    if kind != QgsWkbTypes.Type.NoGeometry and target is not None and target.extension == "csv":
        # QGIS opens it as what it is with the types and the CRS, which then lie beside it.
        own = {"GEOMETRY": "AS_WKT", "CREATE_CSVT": "YES"}
        others = [text for text in QgsVectorFileWriter.defaultLayerOptions("CSV") if text.split("=")[0] not in own]
        options = others + [f"{key}={value}" for key, value in own.items()]
    flags = QgsFeatureSink.SinkFlags()
    sink, destination = algorithm.parameterAsSink(parameters, name, context, fields, kind, crs, flags, {}, [], options)
    if sink is None:
        raise QgsProcessingException(algorithm.invalidSinkError(parameters, name))
    return sink, destination


def show_replaced(target: Target | None, context: QgsProcessingContext, feedback: QgsProcessingFeedback) -> None:
    """Let layers that show an earlier output show the new one; for postProcessAlgorithm."""
    for name in reload_shown(target, context.project()):
        feedback.reportError(
            tr(
                "The layer {layer} was edited during the run. It still shows the output that was replaced, and its edits cannot be saved: "
                "export what you need, then remove it.",
                layer=name,
            )
        )


def _formats_without_geometry() -> set[str]:
    every = QgsVectorFileWriter.supportedFormatExtensions(QgsVectorFileWriter.VectorFormatOptions())
    return set(every) - set(QgsVectorFileWriter.supportedFormatExtensions(QgsVectorFileWriter.VectorFormatOption.SkipNonSpatialFormats))


def _with_extension(path: str) -> str:
    """The file that QGIS writes: a GeoPackage where it does not know the extension."""
    return path if QgsVectorFileWriter.driverForExtension(Path(path).suffix[1:]) else f"{path}.gpkg"


def _table(source: str) -> tuple[str, ...]:
    uri = QgsDataSourceUri(source)
    return (uri.service(), uri.host(), uri.port() or "5432", uri.database(), uri.schema() or "public", uri.table())
