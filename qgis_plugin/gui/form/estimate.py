"""What can be said of a run before it: tiles, time, ground resolution against the model's, dates, and what speaks against it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsDistanceArea,
    QgsPointXY,
    QgsProcessingContext,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsSettings,
)

from ....engine.contract.options import CAPTION, SPEED
from ....engine.contract.request import OPTIONS
from ...i18n import tr
from ...layers.dates import Period, layer_period, swapped
from ...layers.exports import export_note
from ...layers.models import missing_note, model_row
from ...layers.rasters import grid_of
from ...layers.sources import Area, engine_opens, has_grid
from ...setup.builds import amount
from ..run.request import checked_layers, processing_context

MISMATCH = 1.6  # ratio of ground resolutions from which the user is warned
MAX_ENLARGED = 4.0  # what is coarser than that beside the model's pixels gains nothing from resampling
RATES_KEY = "changescribe/rates"
RATE_OPTIONS = tuple(name for name, row in OPTIONS.items() if row.affects in (CAPTION, SPEED) and row.changes_rate)
MANY_TILES = 100_000
BYTES_A_TILE = 400  # in a GeoPackage (docs/large_areas.md)
ENOUGH_TILES = 8  # captioned in a run, for its rate to be worth remembering


@dataclass(frozen=True)
class Estimate:
    """Tiles a run would have (at most), the ground size of its pixels, the before layer's own and the model's; dates; what speaks against it.

    at_most : whether the tiles are those of a rectangle about the area, which may be fewer in its polygons.
    tiles_per_s : of the last run here with these options, None before there was one.
    """

    tiles: int
    at_most: bool
    gsd_m: float
    native_m: float
    trained_m: float | None
    tiles_per_s: float | None
    dates: tuple[Period | None, Period | None]
    warnings: tuple[str, ...] = ()

    @property
    def resampling_helps(self) -> bool:
        """Whether the pixels are not those that the model knows, and resampling could make them so."""
        return self.trained_m is not None and not alike(self.gsd_m, self.trained_m) and self.native_m <= MAX_ENLARGED * self.trained_m

    def text(self) -> str:
        """All of it in lines."""
        before, after = self.dates
        lines = [tr("From {} to {}.", before, after)] if before is not None and after is not None and before != after else []
        if self.tiles:
            about = tr("At most {} tiles at {:.2g} m per pixel") if self.at_most else tr("About {} tiles at {:.2g} m per pixel")
            count = about.format(self.tiles, self.gsd_m)
            trained = tr("; the model was trained at {:g} m", self.trained_m) if self.trained_m else ""
            lines += [f"{count}{trained}.", self._time()]
        return "\n".join(lines + [f"⚠ {warning}" for warning in self.warnings])

    def _time(self) -> str:
        if not self.tiles_per_s:
            return tr("The time is known after the first run on this computer.")
        seconds = self.tiles / self.tiles_per_s
        text = (
            tr("At most {}, at {:.2g} tiles per second as in the last run.")
            if self.at_most
            else tr("About {}, at {:.2g} tiles per second as in the last run.")
        )
        return text.format(duration(seconds), self.tiles_per_s)


def estimate(form) -> Estimate:
    """Reckon from the layers' headers; neither engine nor pixels are touched.

    Raises
    ------
    InputError
        The form does not make a request yet.
    """
    before, after = checked_layers(form)
    area = form.area.area()
    options, context = form.options(), processing_context()
    limit = Area(area.bounds, area.crs) if area is not None else None
    box = shared_ground(before, after, limit, context)
    grids = {
        layer: grid_of(layer, other, limit, options["resolution"], context)
        for layer, other in ((before, after), (after, before))
        if not engine_opens(layer)
    }
    pixel_x, pixel_y = grids[before].pixel if before in grids else (before.rasterUnitsPerPixelX(), before.rasterUnitsPerPixelY())
    native_m = ground_m(before.crs(), box.center(), pixel_y)
    card = model_row(options["model"])
    wanted_m = wanted_gsd_m(options, native_m)
    scale = wanted_m / native_m
    step = (options["tile_px"] - options["overlap_px"]) * scale
    tiles = _tiles(box, pixel_x * step, pixel_y * step)
    dates = layer_period(before), layer_period(after)
    notes = (export_note(layer, grid) for layer, grid in grids.items())
    sizes = _size_warnings(options["tile_px"], tiles, box.width() / (pixel_x * scale), box.height() / (pixel_y * scale))
    warnings = (*notes, *_warnings(after, native_m, wanted_m, card, tiles, dates), *sizes)
    return Estimate(tiles, area is not None and area.rectangle is None, wanted_m, native_m, card.get("gsd_m"), known_rate(options), dates, warnings)


def shared_ground(before: QgsRasterLayer, after: QgsRasterLayer, limit: Area | None, context: QgsProcessingContext) -> QgsRectangle:
    """The rectangle of both layers' and the area's extents, in the before layer's CRS."""
    box = Area(after.extent(), after.crs()).into(before.crs(), context, before.extent()).intersect(before.extent())
    return box if limit is None else box.intersect(limit.into(before.crs(), context, box))


def wanted_gsd_m(options: dict, native_m: float) -> float:
    """Ground size of the run's pixels, metres."""
    named = {"native": native_m, "model": model_row(options["model"]).get("gsd_m") or native_m}
    return named.get(options["resolution"], options["resolution"])


def remember_rate(request: dict, result: dict) -> None:
    """Keep how fast a run was, for the next estimate with the same options; one of few tiles tells nothing."""
    captioned = result.get("captioned", 0) + result.get("unchanged", 0)
    if captioned >= ENOUGH_TILES and result.get("elapsed_s"):
        QgsSettings().setValue(_rate_key(request), captioned / result["elapsed_s"])


def known_rate(options: dict) -> float | None:
    """Tiles a second of the last run with these options on this machine."""
    return QgsSettings().value(_rate_key(options), 0.0, float) or None


def _rate_key(options: dict) -> str:
    return "/".join([RATES_KEY, *(str(options.get(name)) for name in RATE_OPTIONS)])


def _tiles(box: QgsRectangle, step_x: float, step_y: float) -> int:
    if box.isEmpty():
        return 0
    return max(1, math.ceil(box.width() / step_x - 1e-6)) * max(1, math.ceil(box.height() / step_y - 1e-6))


def _warnings(
    after: QgsRasterLayer, native_m: float, wanted_m: float, card: dict, tiles: int, dates: tuple[Period | None, Period | None]
) -> list[str]:
    found = []
    if swapped(*dates):
        found.append(tr("Before ({}) is later than after ({}): ⇅ swaps them.", *dates))
    if card and missing_note(card["id"]):
        found.append(tr("{model} is not installed: {remedy}.", model=card["id"], remedy=missing_note(card["id"])))
    if tiles == 0:
        found.append(tr("The area does not touch the ground that both layers share."))
    if has_grid(after) and not alike(gsd_m(after), native_m):
        metres = {"before_m": native_m, "after_m": gsd_m(after)}
        found.append(tr("The dates differ in resolution: {before_m:.2g} m before, {after_m:.2g} m after. After is resampled.", **metres))
    trained_m = card.get("gsd_m")
    if trained_m and not alike(wanted_m, trained_m):
        metres = {"trained_m": trained_m, "wanted_m": wanted_m}
        found.append(tr("The model was trained at {trained_m:g} m per pixel; this run has {wanted_m:.2g} m.", **metres))
    if trained_m and native_m > MAX_ENLARGED * trained_m:
        found.append(tr("At {:.2g} m per pixel the before layer lacks the detail that the model needs: expect poor captions.", native_m))
    return found


def _size_warnings(tile_px: int, tiles: int, width_px: float, height_px: float) -> list[str]:
    """What speaks against the size of the area, in the run's pixels."""
    found = []
    if tiles and min(width_px, height_px) < tile_px - 0.5:
        size = {"width": max(1, round(width_px)), "height": max(1, round(height_px)), "tile": tile_px}
        found.append(tr("The common area has {width} × {height} pixels, less than a tile of {tile}: the rest of its tiles is empty.", **size))
    if tiles > MANY_TILES:
        room = amount(tiles * BYTES_A_TILE / 1e6)
        found.append(
            tr("So many tiles need about {} of disk space. For areas this large, use the command line with --part-tiles and --resume.", room)
        )
    return found


def alike(size_m: float, other_m: float) -> bool:
    """Whether two ground resolutions are near enough for the model."""
    return 1 / MISMATCH <= size_m / other_m <= MISMATCH


def gsd_m(layer: QgsRasterLayer) -> float:
    """Ground size of a pixel in metres, at the layer's centre."""
    return ground_m(layer.crs(), layer.extent().center(), layer.rasterUnitsPerPixelY())


def ground_m(crs: QgsCoordinateReferenceSystem, at: QgsPointXY, step: float) -> float:
    """Metres on the ground of a step northwards in the units of a CRS."""
    measure = QgsDistanceArea()
    measure.setSourceCrs(crs, QgsProject.instance().transformContext())
    measure.setEllipsoid("WGS84")
    return measure.measureLine(at, QgsPointXY(at.x(), at.y() + step))


def duration(seconds: float) -> str:
    """Seconds in words: 45 s, 3 min, 2 h 10 min."""
    if seconds < 90:
        return tr("{:.0f} s", max(1, seconds))
    minutes = round(seconds / 60)
    return tr("{} min", minutes) if minutes < 90 else tr("{} h {} min", minutes // 60, minutes % 60)
