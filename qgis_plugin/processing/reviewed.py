"""What becomes of a layer of captions afterwards: a report, and a data set of what a person has reviewed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from qgis.core import (
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingOutputHtml,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFile,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorLayer,
    QgsProcessingUtils,
)

from ...engine.contract.errors import ChangeScribeError, RasterError
from ..i18n import error_text, mark, tr
from ..layers.layer_file import check_layer, layer_file
from .base import ChangeScribeAlgorithm, as_processing, ask_engine
from .print_report import print_page

LAYER, BEFORE, AFTER, OUTPUT, PNG, TOP, TITLE = "LAYER", "BEFORE", "AFTER", "OUTPUT", "PNG", "TOP", "TITLE"
ACCURACY, PDF = "ACCURACY", "PDF"
RASTERS = mark(
    "The pictures are read from the rasters that the layer was made from. If they were moved, or were no files, choose them here; "
    "rasters in files only."
)


class LayerAlgorithm(ChangeScribeAlgorithm):
    """Has LAYER, BEFORE and AFTER; after preparation ``self.members`` holds their paths and no layer is needed any more."""

    NOTE = RASTERS

    def add_layer_parameters(self) -> None:
        polygons = [QgsProcessing.SourceType.TypeVectorPolygon]
        self.addParameter(QgsProcessingParameterVectorLayer(LAYER, tr("Change captions"), polygons))
        for name, title in ((BEFORE, tr("Before (if it was moved)")), (AFTER, tr("After (if it was moved)"))):
            self.addParameter(QgsProcessingParameterRasterLayer(name, title, None, True))

    def checkParameterValues(self, parameters, context):
        ok, message = super().checkParameterValues(parameters, context)
        layer = self.parameterAsVectorLayer(parameters, LAYER, context) if ok else None
        try:
            if layer is not None:  # inside a model it comes only at run time
                check_layer(layer)
        except ChangeScribeError as error:
            return False, error_text(error)
        return ok, message

    def prepareAlgorithm(self, parameters, context, feedback) -> bool:
        layer = self.parameterAsVectorLayer(parameters, LAYER, context)
        if layer is None:
            raise QgsProcessingException(self.invalidSourceError(parameters, LAYER))
        try:
            folder = tempfile.mkdtemp(dir=QgsProcessingUtils.tempFolder())
            self.members: dict[str, str | None] = {"layer": layer_file(layer, folder, context)}
            for name in (BEFORE, AFTER):
                self.members[name.lower()] = _raster_path(self.parameterAsRasterLayer(parameters, name, context))
        except ChangeScribeError as error:
            raise as_processing(error) from error
        return True


class ChangeReport(LayerAlgorithm):
    NAME = "changereport"
    TITLE = mark("Report on changes")
    EXAMPLE = "--LAYER=changes.gpkg --OUTPUT=report.html"
    TAGS = ("html", "summary", "statistics", "print", "area")
    HELP = mark(
        "Writes one HTML page on a layer of change captions, to be read, printed or sent: tiles and areas (on the ellipsoid), areas by class, a "
        "summary in words, a map, and the top changes with both dates' pictures. The page holds its pictures itself and needs no "
        "network; it can be printed to a PDF as well.\n\n"
        "Corrected captions take precedence; tiles that are marked as wrong and not corrected are left out. Save the layer's edits first.\n\n"
        "With a judged sample of the layer ('Draw a sample to judge', then the panel's Accuracy page) it also has the error matrix and the "
        "error-adjusted areas with their 95 % intervals."
    )

    def initAlgorithm(self, configuration=None) -> None:
        self.add_layer_parameters()
        whole = QgsProcessingParameterNumber.Type.Integer
        self.addParameter(QgsProcessingParameterNumber(TOP, tr("Changes with pictures"), whole, 12, False, 0, 200))
        self.addParameter(QgsProcessingParameterString(TITLE, tr("Heading (empty: made of the layer's name)"), None, False, True))
        behaviour = QgsProcessingParameterFile.Behavior.File
        self.addParameter(
            QgsProcessingParameterFile(ACCURACY, tr("Judged sample (adds accuracy and error-adjusted areas)"), behaviour, "gpkg", None, True)
        )
        self.addParameter(QgsProcessingParameterFileDestination(OUTPUT, tr("Report"), "HTML (*.html)"))
        self.addParameter(QgsProcessingParameterFileDestination(PNG, tr("Map"), "PNG (*.png)", None, True, False))
        self.addParameter(QgsProcessingParameterFileDestination(PDF, tr("Report as PDF"), "PDF (*.pdf)", None, True, False))
        self.addOutput(QgsProcessingOutputHtml("HTML", tr("Report")))
        self.addOutput(QgsProcessingOutputString("SUMMARY", tr("Summary")))
        for name, title in (("TILES", tr("Tiles")), ("CHANGED", tr("Changed tiles")), ("CHANGED_M2", tr("Ground under changed tiles (m²)"))):
            self.addOutput(QgsProcessingOutputNumber(name, title))

    def prepareAlgorithm(self, parameters, context, feedback) -> bool:
        super().prepareAlgorithm(parameters, context, feedback)
        # A copy's file has no name that says anything.
        self.title = self.parameterAsString(parameters, TITLE, context) or self.parameterAsVectorLayer(parameters, LAYER, context).name()
        return True

    def processAlgorithm(self, parameters, context, feedback) -> dict:
        output = self.parameterAsFileOutput(parameters, OUTPUT, context)
        png = self.parameterAsFileOutput(parameters, PNG, context) or None
        top = self.parameterAsInt(parameters, TOP, context)
        accuracy = self.parameterAsFile(parameters, ACCURACY, context) or None
        report = {**self.members, "output": output, "png": png, "top": top, "title": self.title, "accuracy": accuracy}
        found = ask_engine({"type": "report", "report": report}, feedback)
        for note in (*found["warnings"], *((found.get("accuracy") or {}).get("notes", ()))):
            feedback.pushWarning(note)
        feedback.pushInfo(found["summary"])
        results = {OUTPUT: output, "HTML": output, "SUMMARY": found["summary"]}
        results |= {"TILES": found["tiles"], "CHANGED": found["changed"], "CHANGED_M2": found["changed_m2"]}
        pdf = self.parameterAsFileOutput(parameters, PDF, context) or None
        if pdf:
            try:
                print_page(Path(output).read_text("utf-8"), pdf)
            except ChangeScribeError as error:
                raise as_processing(error) from error
        return {**results, **{name: path for name, path in ((PNG, png), (PDF, pdf)) if path}}


class ExportReviewed(LayerAlgorithm):
    NAME = "exportreviewed"
    TITLE = mark("Export reviewed tiles")
    EXAMPLE = "--LAYER=changes.gpkg --OUTPUT=reviewed"
    TAGS = ("training", "correct", "fine-tune", "data set", "LEVIR-CC")
    HELP = mark(
        "Writes the tiles that somebody marked as right or wrong, or whose caption was corrected, as a data set in the layout of LEVIR-CC: "
        "pictures of both dates and a JSON file with captions and classes, a quarter of them held out. A tile that is marked as wrong and not "
        "corrected is left out. Of the tiles that nobody has judged, some that surely show no change are added, until both kinds are equally many."
        "\n\nWith the source code of ChangeScribe the model can be tuned on it: changescribe train --from-reviewed FOLDER "
        "--out FOLDER. Save the layer's edits first."
    )

    def initAlgorithm(self, configuration=None) -> None:
        self.add_layer_parameters()
        self.addParameter(QgsProcessingParameterFolderDestination(OUTPUT, tr("Folder for the data set")))
        for name, title in (("TRAIN", tr("Tiles to learn from")), ("HELD_OUT", tr("Tiles held out")), ("CHANGED", tr("Changed tiles"))):
            self.addOutput(QgsProcessingOutputNumber(name, title))

    def processAlgorithm(self, parameters, context, feedback) -> dict:
        output = self.parameterAsString(parameters, OUTPUT, context)
        found = ask_engine({"type": "export_reviewed", "export": {**self.members, "output": output}}, feedback)
        feedback.pushInfo(
            tr(
                "{train} tiles to learn from, {held_out} held out; {changed} changed",
                train=found["train"],
                held_out=found["val"],
                changed=found["changed"],
            )
        )
        return {OUTPUT: output, "TRAIN": found["train"], "HELD_OUT": found["val"], "CHANGED": found["changed"]}


def _raster_path(layer) -> str | None:
    if layer is None:
        return None
    if layer.dataProvider().name() != "gdal":
        raise RasterError(
            tr("{layer} is not a raster file", layer=layer.name()),
            tr("a raster in a file"),
            tr("export it with Layer > Save As, and choose the file"),
        )
    return os.path.abspath(layer.source()) if os.path.exists(layer.source()) else layer.source()
