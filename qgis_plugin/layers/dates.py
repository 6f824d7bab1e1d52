"""When a raster layer's picture was taken, as far as the layer says, and which of two dates comes first."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from qgis.core import Qgis, QgsDateTimeRange, QgsProcessingContext, QgsProviderRegistry, QgsRasterLayer
from qgis.PyQt.QtCore import QDate, QDateTime, QTime

from ...engine.contract.errors import ChangeScribeError
from .jobs import DATE_REGEX
from .rasters import check_pair

# Dates of GDAL's metadata, the more telling first: TIFFTAG_DATETIME may be when a program wrote the file.
_TAGS = ("ACQUISITIONDATETIME", "DATE_ACQUIRED", "ACQUISITION_DATE", "TIFFTAG_DATETIME")
_WORDS = (("before", "after"), ("pre", "post"), ("old", "new"), ("t1", "t2"), ("t0", "t1"), ("earlier", "later"))


@dataclass(frozen=True)
class Period:
    """From the first to the last day, both included."""

    first: date
    last: date

    def __str__(self) -> str:
        first, last = self.first, self.last
        if first == last:
            return first.isoformat()
        if (first.month, first.day, last.month, last.day, first.year) == (1, 1, 12, 31, last.year):
            return f"{first.year}"
        if first.day == 1 and last == _month(first.year, first.month).last:
            return f"{first:%Y-%m}"
        return f"{first.isoformat()}/{last.isoformat()}"


def layer_period(layer: QgsRasterLayer) -> Period | None:
    """The layer's date: of its temporal settings, its name, its file's or folder's name, or its metadata; None where nothing tells."""
    return _of_settings(layer) or _of_names(layer) or _of_metadata(layer)


def swapped(before: Period | None, after: Period | None) -> bool:
    """Whether all of ``before`` is later than all of ``after``."""
    return before is not None and after is not None and before.first > after.last


def time_between(before: Period | None, after: Period | None) -> QgsDateTimeRange | None:
    """From the beginning of one period to the end of a later one; None where they are unknown, the same, or the other way round."""
    if before is None or after is None or before == after or swapped(before, after):
        return None
    begin, end = (QDate(day.year, day.month, day.day) for day in (before.first, after.last))
    return QgsDateTimeRange(QDateTime(begin, QTime(0, 0)), QDateTime(end, QTime(23, 59, 59)))


def period_in(text: str) -> Period | None:
    """The first date in a text: a year, a month or a day, such as 2018, 2018-05, 20180503; none after today."""
    for match in re.finditer(rf"(?<!\d)(?:{DATE_REGEX})(?!\d)", text):
        period = _period(*(int(part) for part in _parts(re.sub(r"\D", "", match[0]))))
        if period is not None and period.first <= date.today():
            return period
    return None


def choose_pair(layers: Sequence[QgsRasterLayer], context: QgsProcessingContext) -> tuple[QgsRasterLayer, QgsRasterLayer] | None:
    """The before and the after layer that were probably meant.

    Parameters
    ----------
    layers : as the layer tree has them, top first

    Returns
    -------
    (before, after)
        The earliest and the latest of the dated layers, else those whose names say so, else the lower and the upper one; None where no two layers
        fit together.
    """
    pairs = [*_by_date(layers), *_by_words(layers), *((low, high) for high, low in zip(layers, layers[1:]))]
    return next((pair for pair in pairs if _fit(*pair, context)), None)


def _by_date(layers: Sequence[QgsRasterLayer]) -> list[tuple[QgsRasterLayer, QgsRasterLayer]]:
    """Pairs of dated layers in their order, the longest time between them first."""
    dated = [(period, layer) for layer in layers if (period := layer_period(layer)) is not None]
    pairs = [(after.last - before.first, a, b) for before, a in dated for after, b in dated if before.last < after.first]
    return [(a, b) for _, a, b in sorted(pairs, key=lambda pair: pair[0], reverse=True)]


def _by_words(layers: Sequence[QgsRasterLayer]) -> list[tuple[QgsRasterLayer, QgsRasterLayer]]:
    words = [(layer, set(re.split(r"[^a-z0-9]+", layer.name().lower()))) for layer in layers]
    return [(a, b) for early, late in _WORDS for a, first in words for b, second in words if early in first and late in second and a is not b]


def _fit(before: QgsRasterLayer, after: QgsRasterLayer, context: QgsProcessingContext) -> bool:
    try:
        check_pair(before, after, context)
    except ChangeScribeError:
        return False
    return before.isValid() and after.isValid()


def _of_settings(layer: QgsRasterLayer) -> Period | None:
    properties = layer.temporalProperties()
    if not properties.isActive() or properties.mode() != Qgis.RasterTemporalMode.FixedTemporalRange:
        return None
    return _of_range(properties.fixedTemporalRange())


def _of_names(layer: QgsRasterLayer) -> Period | None:
    texts = [layer.name()]
    if layer.providerType() == "gdal":
        path = Path(QgsProviderRegistry.instance().decodeUri("gdal", layer.source()).get("path") or "")
        texts += [path.stem, path.parent.name]
    return next((period for text in texts if (period := period_in(text)) is not None), None)


def _of_metadata(layer: QgsRasterLayer) -> Period | None:
    for extent in layer.metadata().extent().temporalExtents():
        period = _of_range(extent)
        if period is not None:
            return period
    text = layer.dataProvider().htmlMetadata() if layer.providerType() == "gdal" else ""
    for tag in _TAGS:
        match = re.search(rf"{tag}\W{{1,20}}((?:19|20)\d\d)[:-](\d\d)[:-](\d\d)", text)
        if match is not None:
            return _period(*map(int, match.groups()))
    return None


def _of_range(found: QgsDateTimeRange) -> Period | None:
    days = [when.date() for when in (found.begin(), found.end()) if when.isValid()]
    return Period(*(date(day.year(), day.month(), day.day()) for day in (days[0], days[-1]))) if days else None


def _parts(digits: str) -> list[str]:
    return [part for part in (digits[:4], digits[4:6], digits[6:8]) if part]


def _period(year: int, month: int = 0, day: int = 0) -> Period | None:
    if not month:
        return Period(date(year, 1, 1), date(year, 12, 31))
    try:
        return Period(date(year, month, day), date(year, month, day)) if day else _month(year, month)
    except ValueError:  # the 31st of a shorter month
        return None


def _month(year: int, month: int) -> Period:
    return Period(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))
