"""Makes the model-designer models beside this file, in the Python console of the oldest QGIS supported with ChangeScribe loaded.

``import runpy; runpy.run_path("/path/to/resources/processing/make_models.py", run_name="__main__")``. tests/plugin/test_models.py holds the files
against this script.
"""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsProcessing,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
)
from qgis.PyQt.QtCore import QPointF

FOLDER = Path(__file__).parent
SCORE = 0.5
HELP = (
    "Captions what changed between two rasters inside the areas of a layer, keeps the tiles that changed with at least the wanted score, and gives "
    "each the attributes of the area in which it lies."
)


def changed_tiles_by_area() -> QgsProcessingModelAlgorithm:
    """Caption changes → extract the changed tiles → join the areas' attributes."""
    model = QgsProcessingModelAlgorithm("Changed tiles by area", "ChangeScribe")
    model.setHelpContent({"ALG_DESC": HELP})
    number = QgsProcessingParameterNumber
    polygons = [QgsProcessing.SourceType.TypeVectorPolygon]
    inputs = (
        QgsProcessingParameterRasterLayer("before", "Before"),
        QgsProcessingParameterRasterLayer("after", "After"),
        QgsProcessingParameterFeatureSource("areas", "Areas", polygons),
        number("score", "Least change score", number.Type.Double, SCORE, False, 0.0, 1.0),
    )
    for place, parameter in enumerate(inputs):
        component = QgsProcessingModelParameter(parameter.name())
        component.setPosition(QPointF(150 + 230 * place, 80))
        model.addModelParameter(parameter, component)
    step(model, "captions", "changescribe:captionchanges", 1, BEFORE=asked("before"), AFTER=asked("after"), AOI=asked("areas"))
    # QGIS 3.22 leaves a default that nobody has touched out of the variables.
    keep = QgsProcessingModelChildParameterSource.fromExpression(f'\'"changed" AND "change_score" >= \' || coalesce(@score, {SCORE})')
    step(model, "changed", "native:extractbyexpression", 2, INPUT=output_of("captions", "OUTPUT"), EXPRESSION=keep)
    fixed = QgsProcessingModelChildParameterSource.fromStaticValue
    joined = step(
        model, "joined", "native:joinattributesbylocation", 3, INPUT=output_of("changed", "OUTPUT"), JOIN=asked("areas"),
        PREDICATE=fixed([0]), METHOD=fixed(2), PREFIX=fixed("area_"),
    )  # fmt: skip
    result = QgsProcessingModelOutput("changed_tiles", "Changed tiles")
    result.setChildId("joined")
    result.setChildOutputName("OUTPUT")
    result.setPosition(QPointF(700, 540))
    joined.setModelOutputs({"changed_tiles": result})
    return model


def step(model: QgsProcessingModelAlgorithm, name: str, algorithm: str, row: int, **sources) -> QgsProcessingModelChildAlgorithm:
    """Add a step with its parameters' sources."""
    child = QgsProcessingModelChildAlgorithm(algorithm)
    child.setChildId(name)
    child.setDescription(name.capitalize())
    child.setPosition(QPointF(400, 80 + 130 * row))
    for parameter, source in sources.items():
        child.addParameterSources(parameter, [source])
    model.addChildAlgorithm(child)
    return model.childAlgorithm(name)


def asked(name: str) -> QgsProcessingModelChildParameterSource:
    return QgsProcessingModelChildParameterSource.fromModelParameter(name)


def output_of(child: str, output: str) -> QgsProcessingModelChildParameterSource:
    return QgsProcessingModelChildParameterSource.fromChildOutput(child, output)


def main() -> None:
    changed_tiles_by_area().toFile(str(FOLDER / "changed_tiles_by_area.model3"))


if __name__ == "__main__":
    main()
