"""Numbers that one can sign: a stratified random sample to judge, and accuracy and error-adjusted areas from what persons have judged."""

from __future__ import annotations

import os
import tempfile

from qgis.core import (
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterVectorLayer,
    QgsProcessingUtils,
)

from ...engine.contract.errors import ChangeScribeError
from ..i18n import error_text, mark, tr
from ..layers.layer_file import check_layer, layer_file
from .base import ChangeScribeAlgorithm, as_processing, ask_engine, choice

INPUT, BY, STANDARD_ERROR, MINIMUM, SIZE, SEED, OUTPUT = "INPUT", "BY", "STANDARD_ERROR", "MINIMUM", "SIZE", "SEED", "OUTPUT"
EXPECTED_CHANGED, EXPECTED_UNCHANGED = "EXPECTED_CHANGED", "EXPECTED_UNCHANGED"
SAMPLE, LAYER, OUTPUT_JSON, OUTPUT_CSV = "SAMPLE", "LAYER", "OUTPUT_JSON", "OUTPUT_CSV"
SCHEMES = ["change", "class", "score"]
# Parameters of a sample that are numbers: title, whether whole, default, bounds.
NUMBERS = {
    STANDARD_ERROR: (mark("Wanted standard error of the overall accuracy"), False, 0.02, (0.001, 0.5)),
    EXPECTED_CHANGED: (mark("Expected accuracy of tiles mapped as changed"), False, 0.75, (0.01, 0.99)),
    EXPECTED_UNCHANGED: (mark("Expected accuracy of tiles mapped as unchanged"), False, 0.95, (0.01, 0.99)),
    MINIMUM: (mark("Tiles per stratum at least"), True, 50, (2, 100_000)),
    SIZE: (mark("Tiles in all (empty: from the standard error)"), True, None, (2, 1_000_000)),
    SEED: (mark("Seed of the draw"), True, 0, (0, 2_000_000_000)),
}


class _LayerTaker(ChangeScribeAlgorithm):
    """Hands a layer of captions over as a file; after preparation ``self.source`` is its path, or None."""

    PLACE = ""  # the layer's parameter

    def checkParameterValues(self, parameters, context):
        ok, message = super().checkParameterValues(parameters, context)
        layer = self.parameterAsVectorLayer(parameters, self.PLACE, context) if ok else None
        try:
            if layer is not None:  # inside a model it comes only at run time
                check_layer(layer)
        except ChangeScribeError as error:
            return False, error_text(error)
        return ok, message

    def prepareAlgorithm(self, parameters, context, feedback) -> bool:
        layer = self.parameterAsVectorLayer(parameters, self.PLACE, context)
        try:
            folder = tempfile.mkdtemp(dir=QgsProcessingUtils.tempFolder())
            self.source = None if layer is None else layer_file(layer, folder, context)
        except ChangeScribeError as error:
            raise as_processing(error) from error
        return True


class DrawSample(_LayerTaker):
    NAME = "drawsample"
    PLACE = INPUT
    TITLE = mark("Draw a sample to judge")
    EXAMPLE = "--INPUT=changes.gpkg --OUTPUT=sample.gpkg"
    TAGS = ("accuracy", "area", "stratified", "validation", "Olofsson", "Cochran")
    HELP = mark(
        "Draws a stratified random sample of a layer's tiles, to be judged in the panel's Accuracy page. From the judgements 'Accuracy and areas' "
        "estimates how right the map is, and how large the area of change is with a 95 % interval.\n\n"
        "Strata are changed and unchanged tiles, the first class of each changed tile, or bands of the change score. The number of tiles follows "
        "from the wanted standard error (Cochran 1977; Olofsson et al. 2014), is shared among the strata by their ground, and each stratum gets a "
        "minimum. The same seed draws the same tiles.\n\n"
        "The sample is a file of its own. A review of the layer never counts as a judgement: who reviews chooses what to look at."
    )

    def initAlgorithm(self, configuration=None) -> None:
        polygons = [QgsProcessing.SourceType.TypeVectorPolygon]
        self.addParameter(QgsProcessingParameterVectorLayer(INPUT, tr("Change captions"), polygons))
        self.addParameter(choice(BY, tr("Strata"), SCHEMES, SCHEMES[0]))
        kind = QgsProcessingParameterNumber.Type
        for name, (title, whole, default, bounds) in NUMBERS.items():
            number = QgsProcessingParameterNumber(name, tr(title), kind.Integer if whole else kind.Double, default, default is None, *bounds)
            self.addParameter(number)
        self.addParameter(QgsProcessingParameterFileDestination(OUTPUT, tr("Sample"), "GeoPackage (*.gpkg)"))
        self.addOutput(QgsProcessingOutputNumber("SAMPLED", tr("Tiles to judge")))
        self.addOutput(QgsProcessingOutputString("STRATA", tr("Tiles by stratum")))

    def processAlgorithm(self, parameters, context, feedback) -> dict:
        if self.source is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, INPUT))
        output = self.parameterAsFileOutput(parameters, OUTPUT, context)
        wanted: dict[str, object] = {"by": self.parameterAsEnumString(parameters, BY, context)}
        for name, (_title, whole, default, _bounds) in NUMBERS.items():
            if default is not None or parameters.get(name) is not None:
                read = self.parameterAsInt if whole else self.parameterAsDouble
                wanted[name.lower()] = read(parameters, name, context)
        found = ask_engine({"type": "sample", "sample": {**wanted, "layer": self.source, "output": output}}, feedback)
        for note in found["warnings"]:
            feedback.pushWarning(note)
        strata = "; ".join(f"{name}: {stratum['sampled']} / {stratum['units']}" for name, stratum in found["strata"].items())
        feedback.pushInfo(tr("{} tiles to judge ({})", found["sampled"], strata))
        return {OUTPUT: output, "SAMPLED": found["sampled"], "STRATA": strata}


class Accuracy(_LayerTaker):
    NAME = "accuracy"
    PLACE = LAYER
    TITLE = mark("Accuracy and areas")
    EXAMPLE = "--SAMPLE=sample.gpkg --LAYER=changes.gpkg --OUTPUT_JSON=accuracy.json"
    TAGS = ("confidence", "interval", "error matrix", "kappa", "Olofsson", "Stehman", "hectares")
    HELP = mark(
        "Estimates, from a judged sample, the error matrix in tiles and shares of the area, overall, user's and producer's accuracy, and the "
        "error-adjusted area of each class and of all change, each with a 95 % interval; the mapped area stands beside it. Where two persons have "
        "judged, it gives Cohen's kappa.\n\n"
        "Estimators: Olofsson et al. 2014, eqs 1–11; Stehman 2014 where the strata are not the map's classes. Intervals are Wilson's, combined over "
        "the strata.\n\n"
        "With the layer that the sample was drawn from, it checks that its tiles are still the same."
    )

    def initAlgorithm(self, configuration=None) -> None:
        behaviour = QgsProcessingParameterFile.Behavior.File
        self.addParameter(QgsProcessingParameterFile(SAMPLE, tr("Judged sample"), behaviour, "gpkg"))
        polygons = [QgsProcessing.SourceType.TypeVectorPolygon]
        self.addParameter(QgsProcessingParameterVectorLayer(LAYER, tr("Change captions it was drawn from (to check them)"), polygons, None, True))
        for name, title, kind in ((OUTPUT_JSON, tr("Result as JSON"), "JSON (*.json)"), (OUTPUT_CSV, tr("Result as a table"), "CSV (*.csv)")):
            self.addParameter(QgsProcessingParameterFileDestination(name, title, kind, None, True, False))
        for name, title in NUMBERS_OUT.items():
            self.addOutput(QgsProcessingOutputNumber(name, tr(title)))
        self.addOutput(QgsProcessingOutputString("SUMMARY", tr("Summary")))

    def processAlgorithm(self, parameters, context, feedback) -> dict:
        files = {name: self.parameterAsFileOutput(parameters, name, context) or None for name in (OUTPUT_JSON, OUTPUT_CSV)}
        sample = os.path.abspath(self.parameterAsFile(parameters, SAMPLE, context))
        wanted = {"sample": sample, "layer": self.source, "json": files[OUTPUT_JSON], "csv": files[OUTPUT_CSV]}
        found = ask_engine({"type": "accuracy", "accuracy": wanted}, feedback)
        for note in found["notes"]:
            feedback.pushWarning(note)
        feedback.pushInfo(found["summary"])
        return {**{name: path for name, path in files.items() if path}, **_numbers(found), "SUMMARY": found["summary"]}


NUMBERS_OUT = {
    "JUDGED": mark("Judged tiles"),
    "OVERALL": mark("Overall accuracy (0–1)"),
    "OVERALL_LOW": mark("Overall accuracy, lower bound"),
    "OVERALL_HIGH": mark("Overall accuracy, upper bound"),
    "CHANGE_M2": mark("Error-adjusted area of change (m²)"),
    "CHANGE_LOW_M2": mark("Area of change, lower bound (m²)"),
    "CHANGE_HIGH_M2": mark("Area of change, upper bound (m²)"),
    "MAPPED_M2": mark("Area of change on the map (m²)"),
    "KAPPA": mark("Agreement of two interpreters (Cohen's kappa)"),
}


def _numbers(found: dict) -> dict[str, float]:
    """Values of NUMBERS_OUT; kappa only where two persons have judged."""
    overall, area = found["overall"], found["change"]["area_m2"]
    values = (found["judged"], overall["value"], overall["low"], overall["high"], area["value"], area["low"], area["high"])
    return {name: value for name, value in zip(NUMBERS_OUT, (*values, found["change"]["mapped_m2"], found["kappa"])) if value is not None}
