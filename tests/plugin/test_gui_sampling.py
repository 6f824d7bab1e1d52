"""Models that draw samples in panel and settings: their options, and weights that are not installed."""

import json

import pytest
from gui_window import wait_until

from helpers import sent


@pytest.fixture(autouse=True)
def registry(tmp_path, monkeypatch):
    """A registry of three models: the default and kd-rscc are installed, diffusion-rscc is not."""
    from changescribe.qgis_plugin.layers import models

    rows = [
        {"id": "kd-rscc", "file": "kd.safetensors", "samplers": ["euler", "heun"], "gsd_m": 0.5},
        {"id": "diffusion-rscc", "file": "diffusion.safetensors", "samplers": ["ddpm"], "gsd_m": 0.5},
        {"id": "scribe-s", "file": "scribe.safetensors", "gsd_m": 0.5},
    ]
    resources, added = tmp_path / "resources", tmp_path / "models"
    (resources / "weights").mkdir(parents=True)
    (resources / "models.json").write_text(json.dumps({"models": rows}))
    (resources / "weights" / "scribe.safetensors").write_text("")
    added.mkdir()
    (added / "kd.safetensors").write_text("")
    monkeypatch.setattr(models, "RESOURCES", resources)
    monkeypatch.setenv("CHANGESCRIBE_MODELS", str(added))
    return added


@pytest.fixture
def form(registry, plugin, pair, tmp_path):
    form = plugin.dock.form
    form.before.setLayer(pair[0])
    form.after.setLayer(pair[1])
    form.output.setFilePath(str(tmp_path / "out.gpkg"))
    return form


def choose(form, model):
    form.rows.widgets["model"].setCurrentIndex(form.rows.widgets["model"].findData(model))


def test_the_list_says_which_models_are_not_installed_and_what_to_do(form, registry):
    from qgis.PyQt.QtCore import Qt

    assert [form.rows.widgets["model"].itemText(i) for i in range(3)] == ["scribe-s", "kd-rscc", "diffusion-rscc (not installed)"]
    assert form.rows.widgets["model"].itemData(1, Qt.ItemDataRole.ToolTipRole) == ""
    assert f"put it into {registry}" in form.rows.widgets["model"].itemData(2, Qt.ItemDataRole.ToolTipRole)
    choose(form, "diffusion-rscc")
    assert form.options()["model"] == "diffusion-rscc"


def test_the_estimate_warns_of_a_model_that_is_not_installed(form, plugin, registry):
    choose(form, "diffusion-rscc")
    plugin.dock.update_estimate()
    assert "diffusion-rscc is not installed: get diffusion.safetensors" in form.estimate.text()
    (registry / "diffusion.safetensors").write_text("")
    plugin.dock.update_estimate()
    assert "not installed" not in form.estimate.text()


def test_sampling_options_are_shown_for_a_model_that_draws_samples_alone(form):
    assert form.rows.widgets["sampler"].isHidden()
    choose(form, "kd-rscc")
    assert not form.rows.widgets["sampler"].isHidden()
    assert [form.rows.widgets["sampler"].itemText(i) for i in range(3)] == ["the model's own", "euler", "heun"]
    assert [form.options()[name] for name in ("steps", "sampler", "samples")] == [None] * 3
    form.rows.widgets["steps"].setValue(12)
    form.rows.widgets["samples"].setValue(3)
    form.rows.widgets["sampler"].setCurrentIndex(2)
    assert [form.options()[name] for name in ("steps", "sampler", "samples")] == [12, "heun", 3]
    choose(form, "scribe-s")
    assert form.rows.widgets["sampler"].isHidden()
    assert [form.options()[name] for name in ("steps", "sampler", "samples")] == [None] * 3


def test_the_panels_options_reach_the_engine(form, plugin, engine, tmp_path):
    engine()
    choose(form, "kd-rscc")
    form.rows.widgets["steps"].setValue(12)
    plugin.dock.start()
    assert plugin.dock.run is not None, plugin.dock.message.text()
    wait_until(lambda: plugin.dock.run is None)
    (request,) = sent(tmp_path / "fake_worker.jsonl")
    assert [request[name] for name in ("model", "steps", "sampler", "samples")] == ["kd-rscc", 12, None, None]


def test_the_settings_hold_the_id_of_a_model(plugin, window):
    page = window.factories[0].createWidget(None)
    assert page.model.itemText(2) == "diffusion-rscc (not installed)"
    page.model.setCurrentIndex(2)
    page.apply()
    assert window.factories[0].createWidget(None).model.chosen() == "diffusion-rscc"
    page.model.setCurrentIndex(0)
    page.apply()
