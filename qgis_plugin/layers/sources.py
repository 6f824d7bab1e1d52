"""Where a layer lies and what opens it: the engine itself, or only QGIS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsPointXY,
    QgsProcessingContext,
    QgsProviderRegistry,
    QgsRasterLayer,
    QgsRectangle,
)

from ...engine.contract.errors import AreaError
from ..i18n import tr

# GDAL's pictures of the whole world: a grid they have only in name.
_PICTURES = re.compile(r"^(?:WMS|WMTS):|^\s*<(?:GDAL_WMS|GDAL_WMTS)\b", re.I)
# GDAL's other services and databases, which the engine's GDAL does not have or keeps closed; the engine does not see QGIS's memory or credentials.
_SERVICES = re.compile(r"^(?:WCS|PG|NGW|EEDAI|STACIT|STACTA|PLMosaic|DAAS):|^\s*<WCS_GDAL\b|^/vsimem/|\bauthcfg=", re.I)
_HEAD_BYTES = 1024
EDGE_PARTS, HALF_TURN = 20, 180.0


@dataclass(frozen=True)
class Area:
    """A rectangle in a CRS."""

    rectangle: QgsRectangle
    crs: QgsCoordinateReferenceSystem

    def into(self, crs: QgsCoordinateReferenceSystem, context: QgsProcessingContext, near: QgsRectangle | None = None) -> QgsRectangle:
        """Bounding rectangle in another CRS; in longitudes of the turn round the earth that is nearest to ``near`` (180.1°, not −179.9°).

        Raises
        ------
        AreaError
            The rectangle has no image there.
        """
        transform = QgsCoordinateTransform(self.crs, crs, context.transformContext())
        transform.setBallparkTransformsAreAppropriate(True)
        try:
            box = transform.transformBoundingBox(self.rectangle)
            if crs.isGeographic():
                box = _one_turn(box, [transform.transform(point) for point in _edge(self.rectangle)], near)
        except QgsCsException as error:
            raise AreaError(
                tr("an area that cannot be transformed to {crs} ({error})", crs=crs.authid() or crs.description(), error=error),
                tr("an area on the rasters"),
                tr("correct it"),
            ) from error
        return box


def _edge(rectangle: QgsRectangle) -> list[QgsPointXY]:
    """The middle of a rectangle, and points along its edge."""
    x0, y0, width, height = rectangle.xMinimum(), rectangle.yMinimum(), rectangle.width(), rectangle.height()
    steps = [i / EDGE_PARTS for i in range(EDGE_PARTS + 1)]
    places = [(0.5, 0.5), *((t, side) for t in steps for side in (0, 1)), *((side, t) for t in steps for side in (0, 1))]
    return [QgsPointXY(x0 + across * width, y0 + up * height) for across, up in places]


def _one_turn(box: QgsRectangle, points: list[QgsPointXY], near: QgsRectangle | None) -> QgsRectangle:
    """A box of longitudes; one that crosses the antimeridian, which QGIS has from −180 to 180°, from its points about the first."""
    west, east, middle = box.xMinimum(), box.xMaximum(), points[0].x()
    if box.width() > HALF_TURN:
        lons = [point.x() + 360 * round((middle - point.x()) / 360) for point in points]
        west, east = min(lons), max(lons)
    shift = 0 if near is None or near.isEmpty() else 360 * round((near.center().x() - (west + east) / 2) / 360)
    return QgsRectangle(west + shift, box.yMinimum(), east + shift, box.yMaximum())


def engine_opens(layer: QgsRasterLayer) -> bool:
    """Whether the engine's own GDAL opens the layer's source: a file, in an archive or on the web too, but no service and no database."""
    return layer.providerType() == "gdal" and not any(kind.search(text) for text in _descriptions(layer) for kind in (_PICTURES, _SERVICES))


def local_file(layer: QgsRasterLayer) -> Path | None:
    """The file on this computer, or the archive, that a layer is read from; None where there is none."""
    text = QgsProviderRegistry.instance().decodeUri(layer.providerType(), layer.source()).get("path")
    path = Path(text or "")
    return path if path.is_absolute() and path.is_file() else None


def has_grid(layer: QgsRasterLayer) -> bool:
    """Whether the layer has pixels of its own; an online map is drawn at any resolution."""
    return layer.width() > 0 and layer.height() > 0 and not any(_PICTURES.search(text) for text in _descriptions(layer))


def _descriptions(layer: QgsRasterLayer) -> list[str]:
    """What says how GDAL reads the layer: its source, and the text of a small local file that describes a service."""
    source = layer.source()
    if layer.providerType() != "gdal" or Path(source).suffix.lower() not in (".xml", ".wms", ".wmts", ".wcs"):
        return [source]
    try:
        with open(source, "rb") as stream:
            head = stream.read(_HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return [source]
    return [source, re.sub(r"^\s*<\?xml[^>]*\?>", "", head.lstrip("\ufeff"))]
