"""Runs of CCExpert's training from their command lines: what they start from, and what becomes of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("accelerate")

from accelerate.state import AcceleratorState
from safetensors.torch import load_file, save_file
from test_ccexpert_training import TINY, chat, tiny_net  # noqa: F401 (a fixture)

from engine import registry
from engine.contract.errors import ModelError
from engine.models.ccexpert.net import CCExpertNet
from engine.registry import files as model_files
from training import export
from training.ccexpert import features as ccexpert_features
from training.ccexpert import train as train_ccexpert
from training.ccexpert.stages import PARTS, PUBLISHED, SMALL, VISION_LR_FACTOR, Stage

ROOT = Path(__file__).resolve().parents[2]
# Two processes train the tiny one, and each writes the sum of its weights.
WORKER = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
import test_ccexpert_training as tests
from training.ccexpert.stages import Stage
run = tests.run_in(Path(sys.argv[1]), tests.chat_of_words(), 1, adapters=False)
run.stages = [Stage("I", ("difference",), 1e-3, 4, 2, "flatten"), Stage("II", ("difference", "projector", "llm"), 1e-3, 3, 2, "flatten")]
run.accumulate = 2
run.train()
found = float(sum(p.detach().double().sum() for p in run.net.parameters()))
Path(sys.argv[1], f"sum{run.accelerator.process_index}").write_text(f"{run.accelerator.num_processes} {found}")
"""


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


def test_a_dry_run_counts_what_each_stage_trains(monkeypatch, capsys):
    train_ccexpert.main(["--preset", "ccexpert-0.5b", "--dry-run"])
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["I", "II", "III"]
    assert found["I"]["trained"]["vision"] == found["I"]["trained"]["llm"] == 0
    assert found["I"]["trained"]["difference"] == pytest.approx(63.77e6, rel=1e-3)
    assert Stage(**found["I"]["options"] | {"trained": ("difference",)}) == PUBLISHED[0]


def test_the_tower_moves_by_a_fifth_of_the_rate(base, small_data, tmp_path):
    """Adam's first step is as long as the rate, whatever the gradient."""
    before = dict(train_ccexpert.load("ccexpert-tiny", base, PUBLISHED)[0].named_parameters())
    stage = replace(PUBLISHED[1], lr=1e-3, epochs=0.02)  # one step
    stages = tmp_path / "stages.json"
    stages.write_text(json.dumps([asdict(stage)]))
    train(base, small_data, stages, tmp_path / "run")
    saved = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    steps = [0.0 if "difference" in name else float((saved["state"][name] - value.detach()).abs().max()) for name, value in before.items()]
    moved = {part: max(step for step, name in zip(steps, before, strict=True) if name.startswith(part)) for part in PARTS}
    assert moved["llm"] > 0 and moved["vision"] == pytest.approx(VISION_LR_FACTOR * moved["llm"], rel=0.05)


def train(base: Path, data: Path, stages: Path, out: Path) -> None:
    arguments = {"preset": "ccexpert-tiny", "base": base, "data": data, "stages": stages, "out": out, "val-pairs": 4, "accumulate": 2}
    train_ccexpert.main([str(part) for name, value in arguments.items() for part in (f"--{name}", value)])


def test_a_whole_model_is_trained_on_images_exported_added_and_captions(base, small_data, monkeypatch, tmp_path):
    stages = tmp_path / "stages.json"
    stages.write_text(json.dumps([asdict(Stage("all", PARTS, 1e-3, 6, 0.1, "random", {"msh": 2.0}))]))
    run = tmp_path / "runs" / "tiny whole"
    train(base, small_data, stages, run)
    export.main([str(part) for part in (run, "-o", run / "tiny whole", "--id", "tiny-whole", "--base", base, "--data", small_data)])
    monkeypatch.setenv("CHANGESCRIBE_MODELS", str(tmp_path / "models"))
    assert model_files.add(str(run / "tiny whole"))["id"] == "tiny-whole"
    captioner = registry.load("tiny-whole")
    assert captioner.net.config == TINY
    assert captioner.calibration == json.loads((run / "tiny whole" / "config.json").read_text())["changescribe"]["calibration"]
    best = torch.load(run / "best.pt", weights_only=True)["state"]
    name = "vision.vision_model.embeddings.patch_embedding.bias"
    assert not torch.equal(best[name], tiny_net().get_parameter(name))
    for name, value in captioner.net.named_parameters():
        torch.testing.assert_close(value.float(), best[name].float(), atol=1e-3, rtol=1e-2)  # half precision
    images = np.random.default_rng(0).integers(0, 256, (2, 2, 3, 256, 256), dtype=np.uint8)
    assert all(isinstance(caption.text, str) and 0 <= caption.change_score <= 1 for caption in captioner.caption(*images))


def test_two_processes_end_with_the_same_network(tmp_path):
    (tmp_path / "worker.py").write_text(WORKER)
    worker = [str(tmp_path / "worker.py"), str(tmp_path / "run")]
    launched = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *worker]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(Path(__file__).parent))), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(launched, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    sums = [(tmp_path / "run" / f"sum{process}").read_text() for process in range(2)]
    assert sums[0] == sums[1] and sums[0].startswith("2 ")
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["stage"] == 1
