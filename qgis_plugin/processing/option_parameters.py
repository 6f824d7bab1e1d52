"""Run options as Processing parameters: declared and read from the rows of ``schema.OPTIONS``."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)

from ...engine.contract.options import PROCESSING, Option
from ...engine.contract.request import OPTIONS
from ..i18n import tr
from ..layers.models import model_ids, sampler_names
from ..option_texts import TITLES, TOOLTIPS


def offered() -> list[Option]:
    """Options that are parameters, the model first."""
    rows = [row for row in OPTIONS.values() if row.on(PROCESSING)]
    return sorted(rows, key=lambda row: row.name != "model")


def parameter_of(row: Option) -> QgsProcessingParameterDefinition:
    """The advanced parameter of an option."""
    made = _made(row, tr(TITLES[row.name]))
    made.setHelp(tr(TOOLTIPS[row.name]))
    made.setFlags(made.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
    return made


def _made(row: Option, title: str) -> QgsProcessingParameterDefinition:
    if row.kind == "choice":
        # Static strings: scripts and models hold the value itself, not its place in a list that may grow.
        return QgsProcessingParameterEnum(row.parameter, title, _choices(row), False, row.default, row.optional, True)
    if row.kind in ("int", "real"):
        number = QgsProcessingParameterNumber
        kind = number.Type.Integer if row.kind == "int" else number.Type.Double
        bounds = [bound for bound in (row.low, row.high) if bound is not None]
        return number(row.parameter, title, kind, row.default, row.optional, *bounds)
    if row.kind == "flag":
        return QgsProcessingParameterBoolean(row.parameter, title, row.default, row.optional)
    if row.kind == "path":
        return QgsProcessingParameterFile(row.parameter, title, optional=row.optional)
    return QgsProcessingParameterString(row.parameter, title, row.default or "", False, row.optional)


def _choices(row: Option) -> list[str]:
    """Values of an option; the models and their samplers are not in its row."""
    if row.name == "model":
        return model_ids()
    return sampler_names() if row.name == "sampler" else list(row.choices)


def options_from(algorithm: QgsProcessingAlgorithm, parameters: dict, context: QgsProcessingContext) -> dict[str, Any]:
    """The parameters as members of a CaptionRequest; an option that may be empty and is, is left out."""
    found = {}
    for row in offered():
        if row.optional and parameters.get(row.parameter) in (None, ""):
            continue
        value = _value(algorithm, row, parameters, context)
        if value != "" or not row.optional:
            found[row.name] = value
    return found


def _value(algorithm: QgsProcessingAlgorithm, row: Option, parameters: dict, context: QgsProcessingContext) -> Any:
    if row.kind == "int":
        return algorithm.parameterAsInt(parameters, row.parameter, context)
    if row.kind == "real":
        return algorithm.parameterAsDouble(parameters, row.parameter, context)
    if row.kind == "flag":
        return algorithm.parameterAsBoolean(parameters, row.parameter, context)
    text = algorithm.parameterAsString(parameters, row.parameter, context)
    if row.kind == "choice":
        return text
    text = text.strip()
    try:
        return row.read(text)
    except ValueError:  # ``CaptionRequest.verify`` says what is wrong with it
        return text
