"""Runs of CCExpert's training from their command lines: what they start from, and what becomes of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("accelerate")

from accelerate.state import AcceleratorState
from safetensors.torch import load_file, save_file
from test_ccexpert_training import TINY, chat, tiny_net  # noqa: F401 (a fixture)

from engine.errors import ModelError
from engine.models.ccexpert.net import CCExpertNet
from training import ccexpert_features, train_ccexpert
from training.ccexpert_stages import PUBLISHED, SMALL


@pytest.fixture(autouse=True)
def own_accelerator():
    """accelerate keeps the precision of a process's first accelerator."""
    AcceleratorState._reset_state(True)
    yield
    AcceleratorState._reset_state(True)


@pytest.fixture
def base(chat, tmp_path) -> Path:  # noqa: F811
    """A folder of random weights, with a projector and without a difference module, as LLaVA-OneVision's."""
    folder = tmp_path / "base"
    folder.mkdir()
    state = {name: value for name, value in tiny_net().state_dict().items() if not name.startswith("difference.") and name != "llm.lm_head.weight"}
    save_file(state, folder / "model.safetensors")
    chat.tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def lose(base: Path, prefix: str) -> None:
    state = load_file(base / "model.safetensors")
    save_file({name: value for name, value in state.items() if not name.startswith(prefix)}, base / "model.safetensors")


def run_main(module, monkeypatch, *arguments) -> None:
    monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
    module.main()


def test_a_base_fills_all_that_it_must(base):
    net, _ = train_ccexpert.load("ccexpert-tiny", base, PUBLISHED)
    theirs = dict(tiny_net().named_parameters())
    assert all(torch.equal(value, theirs[name]) for name, value in net.named_parameters() if not name.startswith("difference."))
    assert all(torch.isfinite(value).all() for value in net.difference.parameters())


@pytest.mark.parametrize("part", ["vision.vision_model.encoder.layers.1.", "llm.model.norm.", "projector.linear_2."])
def test_no_run_starts_from_a_base_that_lacks_something(base, part):
    lose(base, part)
    with pytest.raises(ModelError, match=f"base lacks .* among them {part}"):
        train_ccexpert.load("ccexpert-tiny", base, PUBLISHED)


def test_a_projector_that_the_first_stage_trains_may_be_missing(base):
    lose(base, "projector.")
    net, _ = train_ccexpert.load("ccexpert-tiny", base, SMALL)
    assert isinstance(net, CCExpertNet) and all(torch.isfinite(value).all() for value in net.projector.parameters())


def test_no_tokens_are_cached_of_a_tower_that_is_not_whole(base, monkeypatch, tmp_path):
    monkeypatch.setitem(ccexpert_features.PRESETS, "ccexpert-small", TINY)
    lose(base, "vision.vision_model.embeddings.")
    with pytest.raises(ModelError, match="base lacks .* among them vision.vision_model.embeddings"):
        run_main(ccexpert_features, monkeypatch, "--base", base, "--out", tmp_path / "features")
    assert not (tmp_path / "features").exists()
