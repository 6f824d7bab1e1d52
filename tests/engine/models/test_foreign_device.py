"""No network and no sampler mixes devices, and none needs float64 on a GPU: proved without one (``foreign_device``)."""

import sys
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from foreign_device import DEVICE, foreign, move  # noqa: E402

from engine.models import device  # noqa: E402
from engine.models.beam import Beams, _next_log_probabilities  # noqa: E402
from engine.models.dfm import DfmConfig, DfmNet  # noqa: E402
from engine.models.diffusion import encoder  # noqa: E402
from engine.models.diffusion.denoiser import PRESETS, DiffusionNet  # noqa: E402
from engine.models.diffusion.discrete import clamped, sample_ddim, sample_ddpm  # noqa: E402
from engine.models.diffusion.karras import karras_grid  # noqa: E402
from engine.models.diffusion.samplers import SAMPLERS, RowNoise  # noqa: E402
from engine.models.quick import FirstLook, FirstLookConfig  # noqa: E402
from engine.models.scribe import ScribeConfig, ScribeNet, date_tokens  # noqa: E402

SCRIBE = ScribeConfig(prior_width=16, width=32, heads=2, hidden=32, decoder_layers=1, styles=2, class_attention=True)
SIZES = {"encoder": "efficientnet-lite0", "width": 32, "heads": 2, "hidden": 32, "layers": 1, "inner": 32, "fusion_heads": 2, "length": 8}


@contextmanager
def on_device(*nets):
    """The networks, moved onto a device that is not there; nothing in the block may mix devices or need a float64 there."""
    with foreign() as mode:
        yield [move(net.eval(), mode) for net in nets]
    assert mode.doubles == []


def images():
    return [torch.zeros(2, 3, 256, 256, dtype=torch.uint8).to(DEVICE) for _ in range(2)]


def there(*tensors):
    assert all(tensor.device == DEVICE for tensor in tensors if tensor is not None)


def test_mixing_devices_and_doubles_are_noticed():
    layer = torch.nn.Linear(3, 2)
    with foreign() as mode:
        move(layer, mode)
        with pytest.raises(RuntimeError, match="same device"):
            layer(torch.zeros(1, 3))
        there(layer(torch.zeros(1, 3).to(DEVICE)))
        assert torch.zeros(2).to(DEVICE).cpu().device.type == "cpu" and not mode.doubles
        torch.zeros(2, dtype=torch.float64).to(DEVICE)
        assert mode.doubles == ["to"]
        torch.zeros(2, dtype=torch.float64).to(DEVICE, torch.float32)
        torch.zeros(2).to(DEVICE).to("cpu", torch.float64)
        assert len(mode.doubles) == 3


def test_scribe_and_first_look():
    with on_device(ScribeNet(SCRIBE, 20), FirstLook(FirstLookConfig(width=16))) as (net, look):
        before, after = net.encode(*images())
        state = net.prior.state(net.prior.look(before, after))
        joint = net.joint(date_tokens(before), date_tokens(after), state.prior)
        memory = net.with_style(joint, torch.zeros(2, dtype=torch.long).to(DEVICE))
        there(state.flag, state.classes, state.mask, memory, look(*images()).flag)
        decode(net.decoder, memory)


def decode(decoder, memory):
    """Two words, and the bookkeeping of a beam search between them."""
    cross, state, cache = decoder.project_memory(memory), Beams.of(2, 1, 1, memory.device), None
    for _ in range(2):
        ids = state.ids.flatten(0, 1)
        logits, cache = decoder(ids[:, -1:], cross, cache)
        state, _ = state.extended(_next_log_probabilities(logits[:, -1], ids, (0, 1, 3), 2), 2)
        there(logits, state.ids, state.total, state.decided(8))


@pytest.mark.parametrize("switches", [{}, {"decoder": "cross", "extraction": "state-space", "extraction_layers": 1}, {"extraction": "attention"}])
def test_dfm(switches):
    config = DfmConfig(cd_config=asdict(SCRIBE), width=32, heads=2, hidden=32, decoder_layers=1, max_length=8, **switches)
    with on_device(DfmNet(config, 20)) as (net,):
        before, after, prior = net.encode(*images())
        joint, flag = net.heads(before, after, prior.tokens)
        there(joint, flag, prior.state.classes)
        decode(net.heads.decoder, joint)


@pytest.mark.parametrize("kind", ["clip", "dinov2"])
def test_vision_transformers(kind):
    pytest.importorskip("transformers")
    from engine.models.vit import build_encoder

    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 64, "patch_size": 16}
    sizes |= {"intermediate_size": 32} if kind == "clip" else {}
    with on_device(build_encoder(kind, sizes)) as (net,):
        there(*net(images()[0]))


@pytest.mark.parametrize("preset", PRESETS)
def test_diffusion_networks_and_samplers(monkeypatch, preset):
    monkeypatch.setitem(encoder.RESNETS, "resnet50", (1, 1, 1))
    ours, grid = preset.endswith("compact"), karras_grid(3)
    members = SIZES | {"length_prediction": ours} | ({} if ours else {"encoder": "resnet50"})
    with on_device(DiffusionNet(replace(PRESETS[preset], **members), 20)) as (net,):
        tokens = net.encoder(*images())
        memory, lengths = net.denoiser.fusion.project(tokens), net.likely_lengths(tokens)
        there(tokens, *memory, lengths, None if net.flag is None else net.flag(tokens))
        noise = RowNoise([1, 2])
        start = noise(torch.zeros(2, 8, 16).to(DEVICE))
        if net.config.family == "karras":
            found = [sampler(net.chain(lengths), 10 * start, grid, memory, noise) for sampler in SAMPLERS.values()]
        else:
            short, chain = net.diffusion.respaced(3), net.chain(lengths)
            found = [sample_ddim(short, chain, start, memory, noise), sample_ddpm(short, clamped(chain, net.text.table()), start, memory, noise)]
        there(start, *found, *(net.text.round(points) for points in found))


def test_ccexpert():
    pytest.importorskip("transformers")
    from engine.models.ccexpert.config import PRESETS as CCEXPERT
    from engine.models.ccexpert.net import CCExpertNet

    with on_device(CCExpertNet(CCEXPERT["ccexpert-tiny"])) as (net,):
        levels = net.levels(net.pixels(torch.cat(images())))
        visual = net.visual(*levels.chunk(2))
        there(levels, visual)  # the language model is transformers' own, whose positions ask for an autocast that "meta" has not


@pytest.mark.parametrize(
    ("works", "expected"),
    [({torch.bfloat16, torch.float16}, torch.bfloat16), ({torch.float16}, torch.float16), (set(), None)],
)
def test_half_precision_is_the_first_type_that_multiplies_rightly(monkeypatch, works, expected):
    """A GPU that claims a type and computes nonsense in it, or raises, does not get it."""
    real = torch.full

    def full(size, value, dtype=None, device=None):
        if dtype is torch.bfloat16 and dtype not in works:
            raise RuntimeError("not implemented for 'BFloat16'")
        return real(size, value if dtype in works else value + 1, dtype=dtype)

    monkeypatch.setattr(device, "is_available", lambda kind: True)
    monkeypatch.setattr(device, "_multiplies_bf16", lambda: True)
    monkeypatch.setattr(torch, "full", full)
    device._probed.cache_clear()
    try:
        assert device.half_precision("cuda") is expected
    finally:
        device._probed.cache_clear()


def test_half_precision_without_such_a_device():
    assert device.half_precision("meta") is None
    assert device.half_precision("cpu") in (None, torch.bfloat16)
