"""DFM's feature extraction (eq 7), its other change detectors, and the baseline's decoder."""

import math

import numpy as np
import pytest
import torch
from test_dfm import CALIBRATION, DETECTOR, SMALL, VOCABULARY, captioner_of, network
from torch.nn import functional as F

from engine.contract.errors import InputError
from engine.models.captioner import CaptionOptions, ModelCard
from engine.models.dfm import PRESETS, DfmCaptioner
from engine.models.dfm.detectors import DETECTORS, build_detector, detector_width
from engine.models.dfm.spatiotemporal import LAYERS, SelectiveScan, SpatioTemporal
from engine.models.diffusion import encoder

from conformance import CaptionerConformance, random_pairs


def test_the_scan_is_the_recurrence_written_out():
    """Gu & Dao 2023, algorithm 2: h_t = exp(Δ A) h_{t−1} + Δ B x_t, y_t = C h_t + D x_t."""
    torch.manual_seed(0)
    scan, x = SelectiveScan(8, state=3).eval(), torch.randn(2, 5, 8)
    with torch.inference_mode():
        found = scan(x)
        mixed = F.silu(F.conv1d(F.pad(x.transpose(1, 2), (3, 0)), scan.conv.weight, scan.conv.bias, groups=8).transpose(1, 2)).numpy()
        selected = mixed @ scan.select.weight.T.numpy()
        step = np.log1p(np.exp(selected[..., : scan.rank] @ scan.step.weight.T.numpy() + scan.step.bias.numpy()))
    a, skip = -np.exp(scan.decay_log.detach().numpy()), scan.skip.detach().numpy()
    for row in range(2):
        state = np.zeros((8, 3))
        for t in range(5):
            b, c = selected[row, t, scan.rank : scan.rank + 3], selected[row, t, scan.rank + 3 :]
            state = np.exp(step[row, t][:, None] * a) * state + (step[row, t] * mixed[row, t])[:, None] * b
            assert np.allclose(found[row, t].numpy(), state @ c + skip * mixed[row, t], atol=1e-5)


def test_a_scan_sees_no_later_token():
    torch.manual_seed(0)
    scan, x = SelectiveScan(8).eval(), torch.randn(1, 6, 8)
    other = x.clone()
    other[:, 4:] += 1.0
    with torch.inference_mode():
        first, second = scan(x), scan(other)
    assert torch.equal(first[:, :4], second[:, :4]) and not torch.allclose(first[:, 4:], second[:, 4:])


def test_steps_begin_between_a_thousandth_and_a_tenth():
    step = F.softplus(SelectiveScan(64).step.bias.detach())
    assert math.log10(step.min()) > -3.01 and math.log10(step.max()) < -0.99


@pytest.mark.parametrize("kind", LAYERS)
def test_every_token_hears_both_dates_and_every_weight_learns(kind):
    torch.manual_seed(0)
    layers = SpatioTemporal(kind, 8, 2, 2)
    before, after = (torch.randn(2, 9, 8, requires_grad=True) for _ in range(2))
    found = layers(before, after)
    assert [part.shape for part in found] == [(2, 9, 8)] * 2
    (found[1][:, 4] ** 2).sum().backward()
    assert (before.grad[:, 4].abs().sum(-1) > 0).all() and (after.grad[:, 0].abs().sum(-1) > 0).all()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in layers.parameters())


def test_the_published_preset_extracts_features_by_three_state_space_layers():
    paper = PRESETS["paper"]
    with torch.device("meta"):
        layers = SpatioTemporal(paper.extraction, paper.width, paper.heads, paper.extraction_layers)
    assert (paper.extraction, paper.extraction_layers, PRESETS["compact"].extraction) == ("state-space", 3, "linear")
    assert sum(p.numel() for p in layers.parameters()) == 23_353_344


@pytest.mark.parametrize("kind", [kind for kind in DETECTORS if kind != "scribe"])
def test_a_resnet_serves_as_frozen_detector_and_names_no_classes(kind, monkeypatch):
    monkeypatch.setitem(encoder.RESNETS, kind, (1, 1, 1))
    detector = build_detector(kind, {}, "prior")
    assert detector.width == detector_width(kind, {}) == 1024
    before, after = (torch.from_numpy(array) for array in random_pairs(2))
    found = detector.train()(before, after)
    assert found.state is None and found.tokens.shape == (2, 256, 1024)
    assert not detector.training and not any(p.requires_grad for p in detector.parameters())
    assert torch.count_nonzero(detector(before, before).tokens) == 0
    assert torch.allclose(found.tokens, detector(after, before).tokens, atol=1e-4)
    captioner = captioner_of(network(detector=kind, cd_config={}))
    assert captioner.has_heatmap is False
    (caption,) = captioner.caption(*random_pairs(1), CaptionOptions(threshold=0.0))
    assert caption.changed


class TestDfmOfTheBaselinesParts(CaptionerConformance):
    @pytest.fixture
    def captioner(self):
        return captioner_of(network(extraction="attention", extraction_layers=1, decoder="cross"))


def test_a_caption_that_denies_the_change_is_not_shown():
    """A decoder that has learned the captions of unchanged pairs may write one of them for a tile that the flag calls changed."""
    net = network()
    plain = captioner_of(net)
    pair, options = random_pairs(1), CaptionOptions(threshold=0.0)
    text = plain.generate(plain.encode(*(torch.from_numpy(array) for array in pair)).state, torch.tensor([0]), options, ())[0][0]
    denying = DfmCaptioner(net, VOCABULARY, ModelCard("dfm", "random"), CALIBRATION, torch.device("cpu"), (text,))
    (caption,) = denying.caption(*pair, options)
    assert caption.text != text and caption.changed and caption.score == 0.0
    assert denying.unchanged_text == text


@pytest.mark.parametrize("member", ["detector", "extraction", "decoder"])
def test_unknown_parts_are_refused(member):
    with pytest.raises(InputError, match=f"{member} 'none'"):
        type(SMALL)(cd_config=DETECTOR, **{member: "none"})
