"""Fused convolutions: the same features as the network's own, and the network itself where they cannot be had."""

import logging

import pytest
import torch

from engine.models import onednn
from engine.models.efficientnet import EfficientNetLite

needs_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this PyTorch has no oneDNN")


@pytest.fixture
def net():
    torch.manual_seed(1)
    return EfficientNetLite("lite0").eval().to(memory_format=torch.channels_last)


@needs_onednn
@pytest.mark.parametrize("height_px", [64, 160])
def test_fused_convolutions_compute_the_same(net, height_px):
    images = torch.randint(0, 256, (3, 3, height_px, 96), dtype=torch.uint8)
    with torch.inference_mode():
        for found, expected in zip(onednn.FusedEfficientNetLite(net)(images), net(images), strict=True):
            assert found.shape == expected.shape
            assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


@needs_onednn
def test_the_fused_network_is_taken_where_it_works(net):
    assert isinstance(onednn.fused(net), onednn.FusedEfficientNetLite)


@needs_onednn
def test_features_survive_the_sums_in_place(net):
    """A shortcut's sum overwrites its input; a feature that was handed out is none of them."""
    images = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        fused = onednn.FusedEfficientNetLite(net)
        x = fused.stem(onednn.normalised(images, torch.float32))
        for number, stage in enumerate(fused.stages):
            x = stage(x)
            if number == onednn.FEATURE_STAGES[0]:
                break
        assert torch.equal(fused(images)[0], x)


def _absent(*args):
    raise AttributeError("'_OpNamespace' 'mkldnn' object has no attribute '_convolution_pointwise'")


def test_without_the_calls_the_network_itself_computes(net, monkeypatch, caplog):
    monkeypatch.setattr(onednn.FusedConv, "forward", _absent)
    with caplog.at_level(logging.INFO):
        assert onednn.fused(net) is net


@needs_onednn
def test_a_wrong_result_is_found_and_said(net, monkeypatch, caplog):
    right = onednn.FusedConv.forward
    monkeypatch.setattr(onednn.FusedConv, "forward", lambda self, *args: right(self, *args) * 1.2)
    assert onednn.fused(net) is net
    assert "compute something else" in caplog.text
