"""Fine-tuning for a given time: what is drawn, frozen stages, and a run that stops and goes on."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.models.captioner import ModelCard
from engine.models.efficientnet import EfficientNetLite
from engine.models.scribe import ScribeCaptioner, ScribeConfig, ScribeNet
from engine.registry.weights import pack
from engine.words.text import SPECIAL, Vocabulary
from training.datasets import PairRow, load_rows, training_rows
from training.scribe import timed
from training.scribe.balance import draw_weights
from training.scribe.frozen_stages import run_frozen_stages_fused
from training.scribe.optimization import blended
from training.scribe.timed import TimedOptions, _schedule, fine_tune
from training.scribe.validate import NEUTRAL

SMALL = ScribeConfig(class_attention=True, prior_width=16, width=32, heads=2, hidden=32, decoder_layers=1, max_length=16, dropout=0.0)


def _row(source, changed, captions=(("a", "house"),)):
    return PairRow("x", source, "p", "train", None, None, None, changed, None, captions)


def test_few_unchanged_pairs_of_a_source_are_drawn_more_often():
    rows = [_row("geh", 1)] * 30 + [_row("geh", 0)] * 10
    weights = draw_weights(rows)
    assert weights.sum() == pytest.approx(1)
    assert weights[30:].sum() == pytest.approx(0.38)


def test_groups_and_sources_are_balanced():
    rows = [_row("lcc", 1)] * 100 + [_row("lva", 1)] * 400 + [_row("geh", 1)] * 4 + [_row("nai", 1)] * 16
    weights = draw_weights(rows)
    world = weights[500:].sum()
    assert world == pytest.approx(0.42)
    assert weights[504:].sum() == pytest.approx(2 * weights[500:504].sum())


def test_pairs_without_captions_are_drawn_less():
    weights = draw_weights([_row("clc", 1), _row("clc", 1, captions=())])
    assert weights[1] < weights[0]


def test_frozen_stages_compute_what_the_encoder_does():
    torch.manual_seed(0)
    encoder, images = EfficientNetLite("lite0"), torch.randint(0, 256, (2, 3, 64, 64)).float()
    expected = encoder(images)
    run_frozen_stages_fused(encoder, 4)
    found = encoder(images)
    assert all(torch.allclose(a, b, rtol=1e-3, atol=1e-3) for a, b in zip(found, expected, strict=True))
    assert [f.requires_grad for f in found] == [False, True, True]


def test_blended_weights_lie_between_and_keep_new_rows():
    old, new = {"a": torch.zeros(2, 3), "b": torch.zeros(())}, {"a": torch.ones(4, 3), "b": torch.ones(())}
    found = blended(old, new, 0.25)
    assert found["a"][:, 0].tolist() == [0.25, 0.25, 1.0, 1.0]
    assert float(found["b"]) == 0.25
    assert float(new["a"][0, 0]) == 1.0


def test_the_schedule_rises_and_falls_with_time():
    values = [_schedule(p, 0.04) for p in np.linspace(0, 1, 51)]
    assert np.argmax(values) in (2, 3)
    assert values[-1] == pytest.approx(0)


def test_a_run_stops_in_time_resumes_and_learns_new_words(small_data, tmp_path, monkeypatch):
    stems = []
    monkeypatch.setattr(timed, "run_frozen_stages_fused", lambda encoder, stages: stems.append(encoder.stem.weight.detach().clone()))
    torch.manual_seed(0)
    vocabulary = Vocabulary([*SPECIAL, "a", "house", "is", "built"])
    net = ScribeNet(SMALL, len(vocabulary))
    captioner = ScribeCaptioner(net, vocabulary, ModelCard("scribe-s", "scribe-s"), NEUTRAL, torch.device("cpu"))
    save_file(pack(net.state_dict()), tmp_path / "init.safetensors", metadata=captioner.save_metadata())
    rows = training_rows(load_rows(small_data))
    options = TimedOptions(minutes=0.03, workers=1, batch_size=4, save_minutes=100)
    fine_tune(rows, tmp_path / "init.safetensors", tmp_path / "run", options)
    first = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    words = json.loads((tmp_path / "run" / "settings.json").read_text())["vocabulary"]
    assert words[:8] == vocabulary.words
    assert "villa" in words
    assert first["steps"] > 0
    assert first["ema"]["decoder.embedding.weight"].shape[0] == len(words)
    fine_tune(rows, tmp_path / "init.safetensors", tmp_path / "run", TimedOptions(minutes=0.06, workers=1, batch_size=4, save_minutes=100))
    second = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    assert second["steps"] > first["steps"]
    # What is copied for the frozen stages are the weights that the run began with, resumed or not.
    assert torch.equal(*stems) and torch.allclose(stems[0], net.encoder.stem.weight, atol=0.01)
    frozen = "encoder.stages.0.0.project.weight"
    assert torch.equal(first["net"][frozen], second["net"][frozen])
    assert not torch.equal(first["net"]["prior.head.0.weight"], second["net"]["prior.head.0.weight"])
