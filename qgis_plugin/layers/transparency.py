"""What a layer is set to in QGIS about missing data (Layer properties › Transparency), as a member of the request."""

from __future__ import annotations

import math
import sys

from qgis.core import QgsRasterLayer

from ...engine.contract.validity import NodataSettings

FARTHEST = sys.float_info.max  # for ranges without an end


def nodata_of(layer: QgsRasterLayer) -> NodataSettings | None:
    """The layer's own settings; None where they are those of a layer just opened."""
    provider = layer.dataProvider()
    bands = range(1, provider.bandCount() + 1)
    own = all(provider.useSourceNoDataValue(band) for band in bands if provider.sourceHasNoDataValue(band))
    ranges = {(_end(part.min(), -FARTHEST), _end(part.max(), FARTHEST)) for band in bands for part in provider.userNoDataValues(band)}
    settings = NodataSettings(own, tuple(sorted(ranges)), _alpha(layer))
    return None if settings == NodataSettings() else settings


def _end(value: float, otherwise: float) -> float:
    return value if math.isfinite(value) else otherwise


def _alpha(layer: QgsRasterLayer) -> int | None:
    """The transparency band that somebody chose, 0 for none; None where it is the one of a layer just opened."""
    if layer.renderer() is None:
        return None
    plain = QgsRasterLayer(layer.source(), layer.name(), layer.providerType(), QgsRasterLayer.LayerOptions(False))
    chosen = layer.renderer().alphaBand()
    if plain.renderer() is None or plain.renderer().alphaBand() == chosen:
        return None
    return max(0, chosen)
