"""Losses, the fast depthwise backward, pretrained weights, and a run from start to bundled file."""

import json

import numpy as np
import pytest
import torch

from engine import registry
from engine.models.efficientnet import EfficientNetLite, SameConv
from engine.models.scribe import ScribeCaptioner, ScribeConfig, ScribeNet
from training import export
from training.scribe import train as train_scribe
from training.scribe.depthwise import freeze_depthwise
from training.scribe.losses import caption_loss, known_bce
from training.scribe.sequence import SequenceOptions
from training.scribe.train import TrainOptions, refine, train
from training.scribe.validate import auc, macro_f1
from training.shared.pretrained import fold_batch_norm

SMALL = ScribeConfig(class_attention=True, prior_width=16, width=32, heads=2, hidden=32, decoder_layers=1, max_length=16, dropout=0.0)


def test_unknown_targets_carry_no_loss():
    logits = torch.zeros(4, requires_grad=True)
    known_bce(logits, torch.tensor([1.0, float("nan"), 0.0, float("nan")])).backward()
    assert logits.grad.tolist() == pytest.approx([-0.25, 0.0, 0.25, 0.0])


def test_no_known_target_gives_zero_not_nan():
    logits = torch.ones(3, requires_grad=True)
    loss = known_bce(logits, torch.full((3,), float("nan")))
    loss.backward()
    assert loss.item() == 0.0
    assert logits.grad.tolist() == [0.0, 0.0, 0.0]


def test_caption_loss_skips_pads_and_unknown_words():
    ids = torch.tensor([[1, 5, 3, 2, 0, 0]])  # start, word, unknown, end, pads
    logits = torch.zeros(1, 5, 8, requires_grad=True)
    caption_loss(logits, ids).backward()
    assert (logits.grad[0].abs().sum(1) > 0).tolist() == [True, False, True, False, False]


def test_batch_norm_folds_into_the_convolution():
    torch.manual_seed(0)
    conv, norm = torch.nn.Conv2d(3, 4, 3, bias=False), torch.nn.BatchNorm2d(4, eps=1e-3).eval()
    torch.nn.init.normal_(norm.weight)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    weight, bias = fold_batch_norm(conv.weight, {f"bn.{k}": v for k, v in norm.state_dict().items()}, "bn")
    x = torch.randn(2, 3, 8, 8)
    assert torch.allclose(torch.nn.functional.conv2d(x, weight, bias), norm(conv(x)), atol=1e-5)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (5, 1), (3, 2), (5, 2)])
def test_same_padding_halves_even_sizes_and_pads_the_lower_right(kernel, stride):
    conv = SameConv(1, 1, kernel, stride)
    torch.nn.init.ones_(conv.weight)
    torch.nn.init.zeros_(conv.bias)
    y = conv(torch.ones(1, 1, 8, 8))
    assert y.shape[-1] == 8 // stride
    total = max(kernel - stride, 0)
    reached = kernel - (total // 2 if stride > 1 else kernel // 2)
    assert y[0, 0, 0, 0].item() == reached**2  # the first output sees this many ones


def test_fast_depthwise_backward_equals_autograd():
    torch.manual_seed(0)
    slow = EfficientNetLite("lite0")
    fast = EfficientNetLite("lite0")
    fast.load_state_dict(slow.state_dict())
    freeze_depthwise(fast)
    x = torch.randint(0, 255, (1, 3, 64, 64), dtype=torch.uint8)
    for encoder in (slow, fast):
        sum(f.pow(2).sum() for f in encoder(x)).backward()
    grads = [(a.grad, b.grad) for a, b in zip(slow.parameters(), fast.parameters()) if b.grad is not None]
    assert len(grads) == 80  # all weights and biases but the 16 depthwise kernels
    assert all(torch.allclose(a, b, rtol=1e-3, atol=1e-5 * float(a.abs().max())) for a, b in grads)


def test_auc_of_known_rankings():
    flag = np.array([0, 0, 1, 1])
    assert auc(np.array([0.1, 0.2, 0.8, 0.9]), flag) == 1.0
    assert auc(np.array([0.9, 0.8, 0.2, 0.1]), flag) == 0.0
    assert auc(np.array([0.5, 0.5, 0.5, 0.5]), flag) == 0.5


def test_macro_f1_counts_classes_that_occur(small_data):
    rows = [row for row in train_scribe.load_rows(small_data) if row.source == "msh"]
    perfect = [((("building",), ("vegetation",), ()) if row.changed else ((), (), ())) for row in rows]
    assert macro_f1(perfect, rows) == 1.0
    assert macro_f1([((), (), ())] * len(rows), rows) == 0.0


def random_weights(encoder, state):
    """Stands for the published weights, which only the training command downloads."""


def test_train_resume_export_and_load(small_data, tmp_path, monkeypatch):
    """Two epochs in one go equal one epoch, a stop, and one more; the file that is written loads and captions."""
    monkeypatch.setattr(train_scribe, "fetch_efficientnet", lambda variant: {})
    monkeypatch.setattr(train_scribe, "load_efficientnet", random_weights)
    options = TrainOptions(epochs=2, batch_size=8, warmup=2, validate_every=1, contrast_weight=0.0)
    train(small_data, tmp_path / "whole", options, SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(train_scribe, "_log", _stop_after_first)
        with pytest.raises(KeyboardInterrupt):
            train(small_data, tmp_path / "parts", options, SMALL)
    train(small_data, tmp_path / "parts", options, SMALL)
    whole, parts = (torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "parts"))
    assert whole["epoch"] == parts["epoch"] == 2
    assert all(torch.allclose(whole["ema"][k], parts["ema"][k], atol=1e-4) for k in whole["ema"])

    refine(small_data, tmp_path / "whole", SequenceOptions(epochs=1, batch_size=8, samples=3))
    monkeypatch.setattr(registry, "RESOURCES", tmp_path / "resources")
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "models.json").write_text('{"models": [{"id": "scribe-s"}]}')
    export.main([str(tmp_path / "whole"), "--bundle", "--data", str(small_data)])
    (entry,) = json.loads((tmp_path / "resources" / "models.json").read_text())["models"]
    path = tmp_path / "resources" / "weights" / "scribe-s.safetensors"
    assert entry["sha256"] == f"sha256:{registry.sha256_of(path)}"
    captioner = ScribeCaptioner.from_checkpoint(str(path))
    black = np.zeros((1, 3, 256, 256), np.uint8)
    assert len(captioner.caption(black, black)) == 1


def _stop_after_first(path, record):
    raise KeyboardInterrupt


def test_frozen_stages_stay_bit_identical(small_data, tmp_path, monkeypatch):
    monkeypatch.setattr(train_scribe, "fetch_efficientnet", lambda variant: {})
    monkeypatch.setattr(train_scribe, "load_efficientnet", random_weights)
    torch.manual_seed(TrainOptions.seed)
    start = ScribeNet(SMALL, 12).encoder.state_dict()
    train(small_data, tmp_path, TrainOptions(epochs=1, batch_size=8, warmup=1, validate_every=1, contrast_weight=0.0), SMALL)
    end = torch.load(tmp_path / "last.pt", weights_only=True)["net"]
    frozen = [name for name in start if name.startswith(("stem", "stages.0", "stages.1", "stages.2")) or "depthwise.weight" in name]
    assert len(frozen) > 20
    assert all(torch.equal(start[name], end[f"encoder.{name}"]) for name in frozen)
    assert any(not torch.equal(start[name], end[f"encoder.{name}"]) for name in start if name not in frozen)
