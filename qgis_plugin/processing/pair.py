"""Algorithms that take a before and an after layer: their parameters, checks and preparation."""

from __future__ import annotations

import tempfile
import time

from qgis.core import (
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBand,
    QgsProcessingParameterRasterLayer,
    QgsProcessingUtils,
)

from ...engine.contract.errors import ChangeScribeError
from ...engine.contract.request import CaptionRequest
from ..i18n import error_text, mark, tr
from ..layers.rasters import Area, bands_of, check_on_rasters, check_pair, exports_of, grid_of, nodata_members, prepare_pair
from ..layers.sources import engine_opens
from ..layers.target import checked_target, show_replaced
from .base import COUNTS, ChangeScribeAlgorithm, as_processing

BEFORE, AFTER, BEFORE_BANDS, AFTER_BANDS, OUTPUT = "BEFORE", "AFTER", "BEFORE_BANDS", "AFTER_BANDS", "OUTPUT"
COUNTED_AS = {"captioned": "CAPTIONED", "unchanged": "CAPTIONED", "skipped_nodata": "SKIPPED", "failed": "FAILED"}


class PairAlgorithm(ChangeScribeAlgorithm):
    """Has BEFORE and AFTER; after preparation ``self.before`` and ``self.after`` are RasterInputs and no layer is needed any more."""

    NOTE = mark(
        "Numbers: TILES is all tiles of the area. CAPTIONED have a caption, changed or not, and CHANGED is how many of them changed. "
        "SKIPPED have too little data, FAILED could not be captioned."
    )

    def add_pair_parameters(self) -> None:
        self.addParameter(QgsProcessingParameterRasterLayer(BEFORE, tr("Before")))
        self.addParameter(QgsProcessingParameterRasterLayer(AFTER, tr("After")))
        for name, parent, title in ((BEFORE_BANDS, BEFORE, tr("Bands of the before raster")), (AFTER_BANDS, AFTER, tr("Bands of the after raster"))):
            self.addParameter(QgsProcessingParameterBand(name, title, None, parent, True, True))

    def add_count_outputs(self) -> None:
        for name, title in zip(
            COUNTS,
            (tr("Tiles"), tr("Tiles with a caption, changed or not"), tr("Changed tiles"), tr("Tiles without enough data"), tr("Failed tiles")),
        ):
            self.addOutput(QgsProcessingOutputNumber(name, title))

    def checkParameterValues(self, parameters, context):
        ok, message = super().checkParameterValues(parameters, context)
        if not ok:
            return ok, message
        before, after = (self.parameterAsRasterLayer(parameters, name, context) for name in (BEFORE, AFTER))
        try:
            if before is not None and after is not None:  # inside a model the layers come only at run time
                bands = self._bands(parameters, context)
                check_pair(before, after, context, bands)
                for layer, wanted in zip((before, after), bands):
                    bands_of(layer, wanted, context)
            self.check_area(parameters, context)
            options = self.engine_options(parameters, context)
            CaptionRequest("before", "after", **options).verify()
            if before is not None and after is not None:
                area = self.wanted_area(parameters, context)
                if area is not None:
                    check_on_rasters(area, before, after, context)
                for layer, other in ((before, after), (after, before)):
                    if not engine_opens(layer):
                        grid_of(layer, other, area, options["resolution"], context)
            checked_target(parameters, OUTPUT, context)
        except ChangeScribeError as error:
            return False, error_text(error)
        return True, ""

    def check_area(self, parameters, context) -> None:
        """Check the parameters that choose the area; a subclass raises AreaError."""

    def wanted_area(self, parameters, context) -> Area | None:
        """What online layers must be written for; None is all the ground that the rasters share."""
        return None

    def prepareAlgorithm(self, parameters, context, feedback) -> bool:
        before, after = (self.parameterAsRasterLayer(parameters, name, context) for name in (BEFORE, AFTER))
        for name, layer in ((BEFORE, before), (AFTER, after)):
            if layer is None or not layer.isValid():
                raise QgsProcessingException(self.invalidRasterError(parameters, name))
        self.folder = tempfile.mkdtemp(dir=QgsProcessingUtils.tempFolder())
        try:
            self.target = checked_target(parameters, OUTPUT, context)
            bands = self._bands(parameters, context)
            check_pair(before, after, context, bands)
            area = self.wanted_area(parameters, context)
            resolution = self.engine_options(parameters, context)["resolution"]
            self.before, self.after = prepare_pair(before, after, bands, area, self.folder, context, resolution)
        except ChangeScribeError as error:
            raise as_processing(error) from error
        for note in self.before.notes + self.after.notes:
            feedback.pushWarning(note)
        return True

    def postProcessAlgorithm(self, context, feedback) -> dict:
        show_replaced(self.target, context, feedback)
        return {}  # keeps the results of processAlgorithm

    def fetch(self, feedback) -> None:
        """Write the layers that the engine does not open itself; the first thing to do in processAlgorithm.

        Raises
        ------
        Cancelled, RasterError
        """
        for export in exports_of((self.before, self.after)):
            feedback.setProgressText(tr("Fetching {name}…", name=export.name))
            for note in export.write(feedback.isCanceled):
                feedback.pushWarning(note)

    def request(self, parameters, context, **area) -> dict:
        """The verified request's JSON, with ``aoi`` or ``extent`` if given.

        Raises
        ------
        InputError
            A member that the engine would refuse.
        """
        options = {**self.engine_options(parameters, context), **nodata_members((self.before, self.after)), **area}
        request = CaptionRequest(self.before.path, self.after.path, self.before.bands, self.after.bands, **options)
        request.verify()
        return request.to_json()

    def _bands(self, parameters, context) -> tuple[list[int], list[int]]:
        before, after = (self.parameterAsInts(parameters, name, context) if parameters.get(name) else [] for name in (BEFORE_BANDS, AFTER_BANDS))
        return before, after


def count(counts: dict, properties: dict) -> None:
    """Add a tile's properties to COUNTS; CAPTIONED are all tiles that have a caption, changed or not."""
    counts["TILES"] += 1
    counts[COUNTED_AS[properties["status"]]] += 1
    counts["CHANGED"] += int(bool(properties["changed"]))


def utc_now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
