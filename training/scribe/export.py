"""Calibrate a trained ``scribe-s`` on the validation split and write the weights that are bundled.

    python -m training.scribe.export --run runs/scribe-s --data ../shared/data

Writes resources/weights/scribe-s.safetensors (bytes and half precision) and its row in resources/models.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from engine.contract.errors import InputError
from engine.contract.tiles import CLASSES
from engine.evaluation.sources import balanced_weights, fit_platt
from engine.models.captioner import ModelCard
from engine.models.scribe import DELTAS, ScribeCaptioner, read_checkpoint
from engine.registry import RESOURCES, sha256_of
from engine.registry.weights import pack, unpack

from ..datasets import PairRow, captioned, load_rows, read_batch
from .optimization import blended
from .timed import INIT
from .train import load_run
from .validate import NEUTRAL

MODEL_ID = "scribe-s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/scribe-s"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--blend", type=float, default=1.0, help="of a fine-tuning: share of the way from the weights it began with to its own")
    args = parser.parse_args()
    net, vocabulary, best = load_run(args.run, "final.pt")
    if args.blend < 1:
        best["state"] = blended(read_checkpoint(str(args.run / INIT))[0].state_dict(), best["state"], args.blend)
    rows = captioned(load_rows(args.data), "val")
    net.load_state_dict(unpack(pack(best["state"])))  # calibrated as it will be read
    card = ModelCard(MODEL_ID, "scribe-s: compact DFM", gsd_m=0.5, threshold=0.5, memory_mb=900)
    captioner = ScribeCaptioner(net, vocabulary, card, NEUTRAL, torch.device("cpu"))
    captioner.calibration = calibrate(*logits(captioner, rows), rows)
    path = RESOURCES / "weights" / f"{MODEL_ID}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(pack(best["state"]), path, metadata=captioner.save_metadata())
    register(MODEL_ID, path)
    parameters = sum(t.numel() for t in best["state"].values())
    print(
        json.dumps(
            {
                "file": str(path),
                "mb": round(path.stat().st_size / 1e6, 2),
                "parameters": parameters,
                "epoch": best["epoch"],
                "temperature": captioner.calibration["temperature"],
                "bias": captioner.calibration["bias"],
            }
        )
    )


def logits(captioner: ScribeCaptioner, rows: Sequence[PairRow], batch_size: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    """Raw flag (N,) and class (N, 3, 7) logits, as the captioner that users get finds them."""
    flags, classes = [], []
    with torch.inference_mode():
        for start in range(0, len(rows), batch_size):
            before, after = (torch.from_numpy(images) for images in read_batch(rows[start : start + batch_size]))
            change = captioner.find_change(before, after)[2]
            flags.append(change.flag)
            classes.append(change.classes)
    return torch.cat(flags), torch.cat(classes)


def calibrate(flag: torch.Tensor, classes: torch.Tensor, rows: Sequence[PairRow]) -> dict:
    """Temperature and bias of the change score (Platt 1999), and the probability from which each class is named (best F1), on validation.

    Changed and unchanged pairs weigh the same in the fit: how many tiles of a user's area have changed is not known, and of the validation pairs far
    more have than of most areas. Pairs whose flag is doubtful are left out.
    """
    known = [i for i, row in enumerate(rows) if row.delta is not None]
    labels = np.stack([row.delta for row in rows if row.delta is not None])
    probabilities = torch.sigmoid(classes[known]).numpy()
    limits = [[_best_limit(probabilities[:, s, c], labels[:, s, c]) for c in range(len(CLASSES))] for s in range(len(DELTAS))]
    sure = np.array([row.sure > 0 for row in rows])
    truth = np.array([row.changed == 1 for row in rows])
    temperature, bias = fitted(flag[torch.from_numpy(sure)], truth[sure])
    return {"temperature": temperature, "bias": bias, "class_thresholds": limits}


def fitted(flag: torch.Tensor, truth: np.ndarray) -> tuple[float, float]:
    """Temperature and bias of logits (N,) that say best which pairs have changed (``truth``, bool), both kinds weighted alike."""
    slope, bias = fit_platt(flag.double().numpy(), truth, balanced_weights(truth, np.zeros(len(truth))))
    return round(1 / slope, 4), round(bias, 4)


def _best_limit(probability: np.ndarray, label: np.ndarray, fewest: int = 5) -> float:
    """Threshold of best F1; 0.5 where fewer than ``fewest`` examples could choose one."""
    if label.sum() < fewest:
        return 0.5
    grid = np.arange(0.2, 0.81, 0.05)
    f1 = [2 * ((probability >= t) & (label > 0)).sum() / ((probability >= t).sum() + label.sum()) for t in grid]
    return round(float(grid[int(np.argmax(f1))]), 2)


def register(model_id: str, path: Path) -> None:
    """Put the file's sha256 and size into the model's row.

    Raises
    ------
    InputError
        It has no row.
    """
    file = RESOURCES / "models.json"
    registry = json.loads(file.read_text("utf-8"))
    entry = next((row for row in registry["models"] if row["id"] == model_id), None)
    if entry is None:
        raise InputError(f"no row {model_id} in {file}", "a row for every bundled model", "add one")
    entry["sha256"], entry["bytes"] = f"sha256:{sha256_of(path)}", path.stat().st_size
    file.write_text(json.dumps(registry, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
