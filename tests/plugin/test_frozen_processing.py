"""Processing ids and parameters that scripts and models of users hold: those of ``tests/contract/processing.json`` stay."""

import json
from pathlib import Path

from qgis.core import QgsApplication, QgsProcessingParameterDefinition

FROZEN = Path(__file__).resolve().parents[1] / "contract" / "processing.json"


def offered() -> dict:
    """Parameters (type, default, whether they may be left out) and outputs of each algorithm."""
    found = {}
    for algorithm in QgsApplication.processingRegistry().providerById("changescribe").algorithms():
        optional = QgsProcessingParameterDefinition.Flag.FlagOptional
        parameters = {
            parameter.name(): [parameter.type(), parameter.defaultValue(), bool(parameter.flags() & optional)]
            for parameter in algorithm.parameterDefinitions()
        }
        outputs = sorted(output.name() for output in algorithm.outputDefinitions())
        found[algorithm.id()] = {"parameters": parameters, "outputs": outputs}
    return found


def test_ids_parameters_and_outputs_stay(provider):
    frozen, now = json.loads(FROZEN.read_text("utf-8")), offered()
    for name, algorithm in frozen.items():
        assert name in now
        kept = {parameter: now[name]["parameters"].get(parameter) for parameter in algorithm["parameters"]}
        assert kept == algorithm["parameters"], name
        assert set(algorithm["outputs"]) <= set(now[name]["outputs"]), name
        # A script that calls today's algorithm does not know a parameter that comes later.
        new = {parameter: spec for parameter, spec in now[name]["parameters"].items() if parameter not in algorithm["parameters"]}
        assert all(optional or default is not None for _, default, optional in new.values()), new
