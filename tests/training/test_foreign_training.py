"""No training step mixes devices, and none needs float64 on a GPU: proved without one (tests/engine/foreign_device.py), gradients included."""

import sys
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))
from foreign_device import DEVICE, foreign, move  # noqa: E402

from engine.models.diffusion import encoder  # noqa: E402
from engine.models.diffusion.denoiser import PRESETS, DiffusionNet  # noqa: E402
from engine.models.scribe import ScribeConfig, ScribeNet  # noqa: E402
from engine.words.text import SPECIAL, Vocabulary  # noqa: E402
from training.dfm.batches import DfmBatch  # noqa: E402
from training.dfm.losses import LossWeights  # noqa: E402
from training.dfm.options import RECIPES  # noqa: E402
from training.dfm.train import batch_losses, build  # noqa: E402
from training.diffusion.batches import DiffusionBatch  # noqa: E402
from training.diffusion.options import OPTIONS  # noqa: E402
from training.diffusion.steps import Draws, step_losses  # noqa: E402
from training.shared.tgcl import contrastive_loss  # noqa: E402

SCRIBE = ScribeConfig(prior_width=16, width=32, heads=2, hidden=32, decoder_layers=1, styles=2, class_attention=True)
SIZES = {"encoder": "efficientnet-lite0", "width": 32, "heads": 2, "hidden": 32, "layers": 1, "inner": 32, "fusion_heads": 2, "length": 8}
VOCABULARY = Vocabulary([*SPECIAL, *"abcdefgh"])


@contextmanager
def trained(*nets):
    """The networks in training, on a device that is not there; nothing in the block may mix devices or need a float64 there."""
    with foreign() as mode:
        yield [move(net.train(), mode) for net in nets]
    assert mode.doubles == []


def step(loss, *nets):
    """Gradients lie where the parameters do."""
    assert loss.device == DEVICE
    loss.backward()
    for net in nets:
        gradients = [p.grad for p in net.parameters() if p.grad is not None]
        assert gradients and all(gradient.device == DEVICE for gradient in gradients)


@pytest.mark.parametrize("preset", PRESETS)
def test_diffusion(monkeypatch, preset):
    """Batches come from the CPU, as ``draw`` makes them."""
    monkeypatch.setitem(encoder.RESNETS, "resnet50", (1, 1, 1))
    members = SIZES | ({} if preset.endswith("compact") else {"encoder": "resnet50"})
    net, options = DiffusionNet(replace(PRESETS[preset], **members), len(VOCABULARY)), OPTIONS[preset]
    batch = DiffusionBatch(tuple(torch.zeros(2, 2, 3, 256, 256)), torch.ones(2), torch.full((4, 8), 5), torch.zeros(4, dtype=torch.long))
    draws = Draws.of(net, 4, options.objective, torch.Generator().manual_seed(1))
    with trained(net) as (moved,):
        step(step_losses(moved, batch, draws, options.objective)["total"], moved)


def test_dfm():
    """Its parts one by one: which pairs are captioned is decided by the data, and shapes alone are computed here."""
    from engine.models.dfm import DfmConfig

    config = DfmConfig(cd_config=asdict(SCRIBE), width=32, heads=2, hidden=32, decoder_layers=1, max_length=8, extraction="attention")
    net, contrast = build(config, RECIPES["compact"], VOCABULARY, None, None, 12)
    batch = DfmBatch(*torch.zeros(2, 2, 3, 256, 256), torch.ones(2), torch.full((2, 8), 5), ["a", "b"])
    with trained(net, contrast) as (moved, moved_contrast):
        before, after, prior = moved.encode(batch.before.to(DEVICE), batch.after.to(DEVICE))
        joint, flag = moved.heads(before, after, prior.tokens)
        logits, _ = moved.heads.decoder(batch.ids.to(DEVICE)[:, :-1], moved.heads.decoder.project_memory(joint))
        similarity = moved_contrast.similarity(after.cls.float() - before.cls.float(), torch.ones(2, 12).to(DEVICE))
        step(logits.mean() + flag.mean() + contrastive_loss(similarity, batch.changed.to(DEVICE)), moved, moved_contrast)


def test_batches_of_dfm_go_to_the_networks_device():
    """``batch_losses`` takes everything along: on the CPU each argument must be asked for its copy."""
    asked = []

    class Asked(torch.Tensor):
        def to(self, *args, **kwargs):
            asked.append(args)
            return self.as_subclass(torch.Tensor).to(*args, **kwargs)

    from engine.models.dfm import DfmConfig

    config = DfmConfig(cd_prior=False, width=32, heads=2, hidden=32, decoder_layers=1, max_length=8)
    net, contrast = build(config, RECIPES["compact"], VOCABULARY, None, None, 12)
    tensors = [torch.zeros(2, 3, 256, 256), torch.ones(2, 3, 256, 256), torch.ones(2), torch.full((2, 8), 5)]
    batch = DfmBatch(*(tensor.as_subclass(Asked) for tensor in tensors), ["a", "b"])
    batch_losses(net, contrast, batch, lambda sentences: torch.ones(len(sentences), 12).as_subclass(Asked), LossWeights())
    assert len(asked) >= 5


def test_scribe():
    net = ScribeNet(SCRIBE, len(VOCABULARY))
    with trained(net) as (moved,):
        before, after = moved.encode(*torch.zeros(2, 2, 3, 256, 256).to(DEVICE))
        seen = moved.prior.look(before, after)
        flag, classes = moved.prior.judge(seen)
        step(flag.mean() + classes.mean(), moved.prior)
