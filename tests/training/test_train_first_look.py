"""The first look of scribe-s-quick: its losses, and a run from start to the file that is bundled."""

import json

import numpy as np
import pytest
import torch

from engine import registry
from engine.models.quick import FirstLook, FirstLookConfig, read_first_look
from engine.models.scribe import ScribeCaptioner
from training import export
from training.datasets import captioned, load_rows
from training.quick import export as export_first_look
from training.quick import train as train_first_look
from training.quick.train import FirstLookOptions, losses, train

SMALL = FirstLookConfig(width=16)
OPTIONS = FirstLookOptions(epochs=2, batch_size=8, warmup=2, teacher_from=1)


class Teacher:
    """Says that everything has changed."""

    def find_change(self, before, after):
        return None, None, type("Change", (), {"flag": torch.full((len(before),), 20.0)})


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch):
    monkeypatch.setattr(train_first_look, "fetch_efficientnet", lambda variant: {})
    monkeypatch.setattr(train_first_look, "load_efficientnet", lambda encoder, state: None)


def test_half_of_the_flags_loss_is_against_the_teacher():
    torch.manual_seed(0)
    net = FirstLook(SMALL).eval()
    dates = [torch.randint(0, 256, (3, 3, 256, 256)).float() for _ in range(2)]
    batch = type(
        "Batch", (), {"before": dates[0], "after": dates[1], "flag": torch.tensor([0.0, 1.0, float("nan")]), "mask": torch.zeros(3, 1, 32, 32)}
    )
    alone, taught = (losses(net, batch, teacher) for teacher in (None, Teacher()))
    told = torch.nn.functional.binary_cross_entropy_with_logits(net(*dates).flag, torch.ones(3))
    assert taught["flag"].item() == pytest.approx((alone["flag"].item() + told.item()) / 2, rel=1e-4)
    assert taught["mask"].item() == pytest.approx(alone["mask"].item(), rel=1e-4)


def test_train_resume_export_and_read(small_data, tmp_path, monkeypatch):
    """Two epochs in one go equal one epoch, a stop, and one more; the cut keeps the share that was asked for."""
    train(small_data, tmp_path / "whole", OPTIONS, SMALL)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(train_first_look.RunFolder, "log", _stop)
        train(small_data, tmp_path / "parts", OPTIONS, SMALL)
    train(small_data, tmp_path / "parts", OPTIONS, SMALL)
    whole, parts = (torch.load(tmp_path / name / "last.pt", weights_only=True) for name in ("whole", "parts"))
    assert whole["epoch"] == parts["epoch"] == 2
    assert all(torch.allclose(whole["ema"][name], parts["ema"][name], atol=1e-4) for name in whole["ema"])

    rows = captioned(load_rows(small_data), "val")
    changed = np.array([row.changed == 1 for row in rows])
    monkeypatch.setattr(export_first_look, "logits", lambda captioner, rows: (torch.from_numpy(20.0 * changed - 10.0), None))
    (tmp_path / "models.json").write_text('{"models": [{"id": "scribe-s-quick"}]}')
    scribe = registry.verify("scribe-s")
    monkeypatch.setattr(export_first_look.registry, "load", lambda model_id: ScribeCaptioner.from_checkpoint(str(scribe)))
    monkeypatch.setattr(registry, "RESOURCES", tmp_path)
    export.main([str(tmp_path / "whole"), "--bundle", "--data", str(small_data), "--kept", "1"])
    path = tmp_path / "weights" / "scribe-s-quick.safetensors"
    (entry,) = json.loads((tmp_path / "models.json").read_text())["models"]
    assert entry["sha256"] == f"sha256:{registry.sha256_of(path)}" and path.stat().st_size == entry["bytes"]
    look, card, calibration = read_first_look(str(path))
    assert card.id == "scribe-s-quick"
    assert (train_first_look.flag_logits(look.eval(), rows)[changed] >= calibration["cut"] - 1e-3).all()


def _stop(folder, record):
    raise KeyboardInterrupt
