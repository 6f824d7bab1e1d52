"""Options of models that draw samples in the toolbox, with the fake worker."""

import pytest
from qgis.core import QgsProcessingException

from helpers import run, sent


def test_the_toolbox_sends_what_is_given_alone(provider, engine, rasters, tmp_path):
    engine()
    inputs = {"BEFORE": rasters["before"], "AFTER": rasters["after"], "OUTPUT": "memory:"}
    run(inputs)
    run(inputs | {"MODEL": "kd-rscc", "STEPS": 12, "SAMPLER": "heun", "SAMPLES": 3})
    first, second = sent(tmp_path / "fake_worker.jsonl")
    names = ("steps", "sampler", "samples")
    assert [first.get(name) for name in names] == [None] * 3
    assert [second[name] for name in names] == [12, "heun", 3]


def test_the_toolbox_refuses_a_sampler_that_no_model_has(provider, rasters):
    with pytest.raises(QgsProcessingException, match="SAMPLER"):
        run({"BEFORE": rasters["before"], "AFTER": rasters["after"], "OUTPUT": "memory:", "SAMPLER": "magic"})
