"""Many pairs in, a GeoPackage a pair and a table of what happened out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qgis.core import (
    NULL,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureSink,
    QgsFields,
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorLayer,
    QgsProviderRegistry,
    QgsVectorLayer,
    QgsWkbTypes,
)

from ...engine.contract.errors import Cancelled, ChangeScribeError, InputError
from ...engine.contract.request import CaptionRequest
from ...engine.contract.tiles import LAYER_NAME
from ..client.worker_client import EngineClient
from ..i18n import error_text, mark, tr
from ..layers.grid_layer import field, save_style
from ..layers.jobs import PAIRINGS, Job, check_patterns, jobs_from_folder, jobs_from_rows, jobs_from_series, series_regex
from ..layers.target import check_continued, checked_target, open_sink, show_replaced
from .base import COUNTS, ChangeScribeAlgorithm, as_processing, choice, run_engine, show_log
from .pair import count

TABLE, FOLDER, BEFORE_PATTERN, AFTER_PATTERN, RESUME = "TABLE", "FOLDER", "BEFORE_PATTERN", "AFTER_PATTERN", "RESUME"
SERIES_PATTERN, PAIRING = "SERIES_PATTERN", "PAIRING"
BEFORE_BANDS, AFTER_BANDS = "BEFORE_BANDS", "AFTER_BANDS"
OUTPUT_FOLDER, SUMMARY = "OUTPUT_FOLDER", "SUMMARY"
PAIRS, DONE, FAILED_PAIRS = "PAIRS", "DONE", "FAILED_PAIRS"

SUMMARY_FIELDS = (
    ("name", "text", "Pair"),
    ("before", "text", "Before"),
    ("after", "text", "After"),
    ("output", "text", "GeoPackage"),
    ("status", "text", "Status (done, failed, cancelled, not run)"),
    ("message", "text", "Message"),
    *((name.lower(), "int", name.capitalize()) for name in COUNTS),
    ("seconds", "real", "Seconds"),
)


class CaptionBatch(ChangeScribeAlgorithm):
    NAME = "captionbatch"
    TITLE = mark("Caption changes of many pairs")
    TAGS = ("table", "folder", "series")
    EXAMPLE = "--FOLDER=orthos --SERIES_PATTERN={place}_{date}.tif --OUTPUT_FOLDER=changes --SUMMARY=changes/pairs.csv"
    HELP = mark(
        "Captions many pairs of rasters with the same settings: one GeoPackage a pair in the output folder, and a table of what happened.\n\n"
        "The pairs come from a table (CSV or any layer) with the columns before and after and, if wished, output (a name) and aoi (a polygon file); "
        "relative paths are taken from the table's folder. Or from a folder and two name patterns, where {name} stands for what the two files "
        "of a pair share: {name}_before.tif and {name}_after.tif, or A/{name}.png and B/{name}.png. Or from a folder and one pattern with {date}, "
        "such as {place}_{date}.tif or {place}/ortho_{date}.tif, where each date of a place is compared with the next, or the first with the last; "
        "a date is a year, month or day, such as 2021, 202106 or 2021-06-30.\n\n"
        "A pair that fails is written into the table with its reason; the others go on. With 'continue', a second run skips what is done "
        "and takes up what was interrupted."
    )

    def initAlgorithm(self, configuration=None) -> None:
        text, folder = QgsProcessingParameterString, QgsProcessingParameterFile.Behavior.Folder
        kind = [QgsProcessing.SourceType.TypeVector]
        self.addParameter(QgsProcessingParameterVectorLayer(TABLE, tr("Table of pairs (columns before, after)"), kind, None, True))
        self.addParameter(QgsProcessingParameterFile(FOLDER, tr("or folder of pairs"), folder, "", None, True))
        self.addParameter(text(BEFORE_PATTERN, tr("Name pattern of the before rasters"), "{name}_before.tif"))
        self.addParameter(text(AFTER_PATTERN, tr("Name pattern of the after rasters"), "{name}_after.tif"))
        self.addParameter(text(SERIES_PATTERN, tr("or name pattern with dates, such as {place}_{date}.tif"), "", False, True))
        self.addParameter(choice(PAIRING, tr("Dates to compare"), list(PAIRINGS), PAIRINGS[0]))
        for name, title in ((BEFORE_BANDS, tr("Bands of the before rasters, such as 4,3,2")), (AFTER_BANDS, tr("Bands of the after rasters"))):
            self.addParameter(text(name, title, None, False, True))
        self.addParameter(QgsProcessingParameterBoolean(RESUME, tr("Continue existing outputs"), True))
        self.add_engine_parameters()
        self.addParameter(QgsProcessingParameterFolderDestination(OUTPUT_FOLDER, tr("Output folder")))
        self.addParameter(QgsProcessingParameterFeatureSink(SUMMARY, tr("Pairs"), QgsProcessing.SourceType.TypeVector))
        for name, title in ((PAIRS, tr("Pairs")), (DONE, tr("Pairs done")), (FAILED_PAIRS, tr("Pairs that failed"))):
            self.addOutput(QgsProcessingOutputNumber(name, title))

    def checkParameterValues(self, parameters, context):
        ok, message = super().checkParameterValues(parameters, context)
        if not ok:
            return ok, message
        try:
            if bool(parameters.get(TABLE)) == bool(parameters.get(FOLDER)):
                raise InputError(
                    tr("both a table and a folder") if parameters.get(TABLE) else tr("no pairs"),
                    tr("a table or a folder"),
                    tr("choose one of the two"),
                )
            if parameters.get(FOLDER):
                self._check_folder(parameters, context)
            self._request(Job("a", "before", "after"), parameters, context)
            checked_target(parameters, SUMMARY, context, spatial=False)
        except ChangeScribeError as error:
            return False, error_text(error)
        return True, ""

    def _check_folder(self, parameters, context) -> None:
        folder = Path(self.parameterAsString(parameters, FOLDER, context))
        if not folder.is_dir():
            raise InputError(tr("the folder {folder}, which does not exist", folder=folder), tr("a folder of rasters"), tr("choose another"))
        if series := self.parameterAsString(parameters, SERIES_PATTERN, context):
            series_regex(series)
        else:
            check_patterns(*(self.parameterAsString(parameters, name, context) for name in (BEFORE_PATTERN, AFTER_PATTERN)))

    def prepareAlgorithm(self, parameters, context, feedback) -> bool:
        try:
            if parameters.get(TABLE):
                layer = self.parameterAsVectorLayer(parameters, TABLE, context)
                if layer is None:
                    raise InputError(tr("a table that cannot be opened"), tr("a CSV file or a layer"), tr("choose another"))
                self.jobs = jobs_from_rows(rows_of(layer), table_folder(layer))
            else:
                folder = Path(self.parameterAsString(parameters, FOLDER, context))
                before, after, series = (
                    self.parameterAsString(parameters, name, context) for name in (BEFORE_PATTERN, AFTER_PATTERN, SERIES_PATTERN)
                )
                pairing = self.parameterAsString(parameters, PAIRING, context)
                self.jobs = jobs_from_series(folder, series, pairing) if series else jobs_from_folder(folder, before, after)
            self.target = checked_target(parameters, SUMMARY, context, spatial=False)
            self.edited = self._edited(parameters, context)
        except ChangeScribeError as error:
            raise as_processing(error) from error
        return True

    def _edited(self, parameters, context) -> dict[str, ChangeScribeError]:
        """Why a pair cannot run, by name: its output is on the map with unsaved edits."""
        found: dict[str, ChangeScribeError] = {}
        for job in self.jobs:
            try:
                check_continued(self._output(job, parameters, context), context.project())
            except ChangeScribeError as error:
                found[job.name] = error
        return found

    def _output(self, job: Job, parameters, context) -> Path:
        return Path(self.parameterAsString(parameters, OUTPUT_FOLDER, context)) / f"{job.name}.gpkg"

    def processAlgorithm(self, parameters, context, feedback) -> dict:
        folder = Path(self.parameterAsString(parameters, OUTPUT_FOLDER, context))
        folder.mkdir(parents=True, exist_ok=True)
        fields = QgsFields()
        for name, kind, alias in SUMMARY_FIELDS:
            fields.append(field(name, kind, alias))
        crs = QgsCoordinateReferenceSystem()
        sink, destination = open_sink(self, parameters, SUMMARY, context, fields, QgsWkbTypes.Type.NoGeometry, crs)
        try:  # without an engine every pair would fail for the same reason
            EngineClient.instance().start(feedback.isCanceled, lambda event: show_log(event, feedback))
        except Cancelled:
            feedback.pushWarning(tr("Cancelled before the first pair."))
        except ChangeScribeError as error:
            raise as_processing(error) from error
        self.written: list[str] = []
        states: list[str] = []
        for number, job in enumerate(self.jobs):
            scale = (100 * number / len(self.jobs), 100 * (number + 1) / len(self.jobs))
            row = self._run(job, self._output(job, parameters, context), parameters, context, feedback, scale)
            states.append(row["status"])
            feature = QgsFeature(fields)
            feature.setAttributes([row.get(name) for name, _, _ in SUMMARY_FIELDS])
            if not sink.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
                raise QgsProcessingException(
                    tr("A row could not be written to {destination}: {reason}", destination=destination, reason=sink.lastError())
                )
        numbers = {PAIRS: len(states), DONE: states.count("done"), FAILED_PAIRS: states.count("failed")}
        feedback.pushInfo(tr("{done} of {pairs} pairs done, {failed} failed", done=numbers[DONE], pairs=numbers[PAIRS], failed=numbers[FAILED_PAIRS]))
        return {OUTPUT_FOLDER: str(folder), SUMMARY: destination, **numbers}

    def postProcessAlgorithm(self, context, feedback) -> dict:
        for path in self.written:
            save_style(QgsVectorLayer(grid_uri(path), LAYER_NAME, "ogr"))
        show_replaced(self.target, context, feedback)
        return {}  # keeps the results of processAlgorithm

    def _run(self, job: Job, path: Path, parameters, context, feedback, scale: tuple[float, float]) -> dict:
        """Caption one pair; its row of the summary."""
        row: dict[str, Any] = {"name": job.name, "before": job.before, "after": job.after, "status": "not run", "message": None}
        if feedback.isCanceled():
            return row
        started = time.monotonic()
        feedback.pushInfo(f"{job.name}: {job.before} → {job.after}")
        try:
            if job.problem:
                raise InputError(job.problem, tr("a before and an after raster"), tr("add the missing file"))
            if job.name in self.edited:
                raise self.edited[job.name]
            resume = self.parameterAsBoolean(parameters, RESUME, context)
            message = {"type": "caption", "request": self._request(job, parameters, context), "output": str(path), "resume": resume}
            found = run_engine(message, feedback, scale=scale)
            row.update(status="done", message="; ".join(found.get("warnings", [])) or None)
        except Cancelled as error:
            row.update(status="cancelled", message=str(error))
        except ChangeScribeError as error:
            row.update(status="failed", message=str(error))
            feedback.reportError(f"{job.name}: {error}")
        row["seconds"] = round(time.monotonic() - started, 1)
        if path.is_file() and row["status"] != "failed":
            self.written.append(str(path))
            row.update(output=str(path), **counts_of(path))
        return row

    def _request(self, job: Job, parameters, context) -> dict:
        options = self.engine_options(parameters, context)
        options.update({name.lower(): bands(self.parameterAsString(parameters, name, context)) for name in (BEFORE_BANDS, AFTER_BANDS)})
        request = CaptionRequest(job.before, job.after, aoi=job.aoi or None, **options)
        request.verify()
        return request.to_json()


def bands(text: str) -> tuple[int, ...] | None:
    """Band numbers from "4,3,2" or "1"; None from an empty text.

    Raises
    ------
    InputError
        Neither one nor three whole numbers.
    """
    if not text.strip():
        return None
    parts = text.replace(";", ",").split(",")
    try:
        numbers = tuple(int(part) for part in parts)
    except ValueError:
        raise InputError(tr("bands {text!r}", text=text), tr("three band numbers counted from 1, such as 4,3,2"), tr("correct them")) from None
    return numbers * 3 if len(numbers) == 1 else numbers


def rows_of(layer: QgsVectorLayer) -> Iterator[dict]:
    """Attributes by name, NULL as None."""
    names = layer.fields().names()
    for feature in layer.getFeatures():
        yield {name: None if value == NULL else value for name, value in zip(names, feature.attributes())}


def table_folder(layer: QgsVectorLayer) -> Path:
    """Folder of the file behind a table; the current folder for one that is no file."""
    path = QgsProviderRegistry.instance().decodeUri(layer.providerType(), layer.source()).get("path")
    return Path(path).parent if path else Path.cwd()


def grid_uri(path: str | Path) -> str:
    return f"{path}|layername={LAYER_NAME}"


def counts_of(path: Path) -> dict[str, int]:
    """Tiles of a written grid by COUNTS in lower case, those of an earlier run included."""
    counts = dict.fromkeys(COUNTS, 0)
    for properties in rows_of(QgsVectorLayer(grid_uri(path), LAYER_NAME, "ogr")):
        count(counts, properties)
    return {name.lower(): value for name, value in counts.items()}
