"""Calibrate a trained first look on the validation split and write the weights of ``scribe-s-quick``.

    python -m training.quick.export --run runs/first-look --data ../shared/data

Writes resources/weights/scribe-s-quick.safetensors and its sha256 in resources/models.json, and prints what the cut passes over.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from engine import registry
from engine.contract.request import DEFAULT_MODEL
from engine.models.captioner import ModelCard
from engine.models.quick import FirstLook, FirstLookConfig, read_first_look
from engine.models.scribe import ScribeCaptioner
from engine.registry import RESOURCES, checkpoint
from engine.registry.weights import pack, unpack

from ..datasets import captioned, load_rows
from ..scribe.export import fitted, logits, register
from .train import flag_logits

MODEL_ID = "scribe-s-quick"
KEPT = 0.95  # share that must not be passed over of the changed validation pairs that scribe-s finds


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/first-look"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--kept", type=float, default=KEPT, help="share of the changed pairs that scribe-s finds which are not passed over")
    parser.add_argument("--again", action="store_true", help="fit the bundled first look's cut and score again, to a new scribe-s; no --run is read")
    args = parser.parse_args(argv)
    path = RESOURCES / "weights" / f"{MODEL_ID}.safetensors"
    look, packed, epoch = _bundled(path) if args.again else _trained(args.run)
    rows = captioned(load_rows(args.data), "val")
    looks, changed = flag_logits(look.eval(), rows), np.array([row.changed == 1 for row in rows])
    scribe = registry.load(DEFAULT_MODEL)
    assert isinstance(scribe, ScribeCaptioner)
    found = changed & (logits(scribe, rows)[0] / scribe.calibration["temperature"] + scribe.calibration["bias"] >= 0).numpy()
    cut = float(np.quantile(looks[found], 1 - args.kept, method="lower"))
    temperature, bias = fitted(torch.from_numpy(looks), changed)
    card = ModelCard(MODEL_ID, "scribe-s with a first look", gsd_m=0.5, threshold=0.5, memory_mb=900)
    calibration = {"cut": round(cut, 4), "look_temperature": temperature, "look_bias": bias}
    path.parent.mkdir(exist_ok=True)
    save_file(packed, path, metadata=checkpoint.metadata(look.config, scribe.vocabulary, card, calibration))
    register(MODEL_ID, path)
    passed = looks < cut
    said = {"file": str(path), "mb": round(path.stat().st_size / 1e6, 2), "epoch": epoch, **calibration}
    lost = f"{(passed & found).sum()} of {found.sum()}"
    print(json.dumps(said | {"unchanged_passed_over": round(float(passed[~changed].mean()), 3), "found_by_scribe_passed_over": lost}))


def _trained(run: Path) -> tuple[FirstLook, dict[str, torch.Tensor], int]:
    """A run's best first look, its packed weights and its epoch."""
    settings = json.loads((run / "settings.json").read_text("utf-8"))
    best = torch.load(run / "best.pt", map_location="cpu", weights_only=True)
    look, packed = FirstLook(FirstLookConfig(**settings["config"])), pack(best["state"])
    look.load_state_dict(unpack(packed))  # calibrated as it will be read
    return look, packed, best["epoch"]


def _bundled(path: Path) -> tuple[FirstLook, dict[str, torch.Tensor], None]:
    return read_first_look(str(path))[0], load_file(path), None


if __name__ == "__main__":
    main()
