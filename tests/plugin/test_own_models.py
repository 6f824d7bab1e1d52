"""A model that the user has trained and added is in the toolbox and has its architecture's options; the user's list names no code."""

import json

import pytest
from changescribe.engine.registry.installed import ARCHITECTURES
from changescribe.qgis_plugin.layers import models

ROW = {
    "id": "my-kd",
    "name": "mine",
    "architecture": "kd-rscc",
    "trained_on": "LEVIR-CC",
    "gsd_m": 0.5,
    "metrics": {},
    "sha256": "0" * 64,
    "bytes": 1,
}


@pytest.fixture
def own_models(tmp_path, monkeypatch):
    monkeypatch.setenv("CHANGESCRIBE_MODELS", str(tmp_path))

    def listed(*rows):
        (tmp_path / "models.json").write_text(json.dumps({"models": list(rows)}))
        return models.model_ids()

    return listed


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_trained_model_of_each_architecture_is_listed_with_its_capabilities(own_models, architecture):
    assert "my-kd" in own_models(ROW | {"architecture": architecture})
    assert models.samplers_of("my-kd") == ARCHITECTURES[architecture].get("samplers", [])
    assert models.has_capability("my-kd", "questions") is (architecture == "ccexpert")
    assert "my-kd.safetensors" in models.missing_note("my-kd")  # the list alone is no weights


@pytest.mark.parametrize("change", [{"architecture": "os"}, {"class": "os:system"}, {"id": "scribe-s"}, {"id": "../x"}, {"metrics": 1}])
def test_a_list_that_names_something_else_adds_nothing(own_models, change):
    published = own_models()
    assert own_models(ROW | change) == published


def test_the_toolbox_offers_it(own_models, provider):
    own_models(ROW)
    algorithm = provider.algorithm("captionchanges").create()
    assert "my-kd" in algorithm.parameterDefinition("MODEL").options()
