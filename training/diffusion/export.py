"""Calibrate a trained compact diffusion captioner on the validation split, pack it and enter it into resources/models.json.

    python -m training.diffusion.export --run runs/kd-rscc-compact

A network of a published preset samples as published by default: Diffusion-RSCC by 2000 clamped steps of DDPM, KD-RSCC by 50 of DPM-Solver++(2M).
The others draw at temperature 0 in 20 steps. ``--faithful`` and ``--no-faithful`` choose, and the options behind them change single members.

Writes resources/weights/kd-rscc.safetensors (bytes and half precision), or diffusion-rscc.safetensors, by the family of the run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from engine.models.captioner import ModelCard
from engine.models.diffusion.captioner import FAITHFUL, SAMPLERS_OF, DiffusionCaptioner, Sampling
from engine.models.diffusion.denoiser import PRESETS, DiffusionConfig, DiffusionNet
from engine.models.diffusion.discrete import VARIANCES
from engine.registry import RESOURCES
from engine.registry.weights import pack, unpack
from engine.words.text import Vocabulary

from ..datasets import PairRow, captioned, load_rows, read_batch
from ..scribe.export import calibrate, register
from ..shared.run_log import read_best

MODEL_IDS = {"discrete": "diffusion-rscc", "karras": "kd-rscc"}
SAMPLINGS = {"discrete": Sampling("ddim", 20, temperature=0.0), "karras": Sampling("dpmpp-2m", 20, temperature=0.0)}
UNCALIBRATED = {"temperature": 1.0, "bias": 0.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="folder of a run of training.diffusion.train")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--faithful", action=argparse.BooleanOptionalAction, help="samples as published by default (default: a published preset)")
    parser.add_argument("--sampler", choices=sorted({name for names in SAMPLERS_OF.values() for name in names}), help="default of the checkpoint")
    parser.add_argument("--steps", type=int, help="likewise")
    parser.add_argument("--samples", type=int, help="likewise")
    parser.add_argument("--temperature", type=float, help="likewise")
    parser.add_argument("--variance", choices=VARIANCES, help="likewise, of ddpm's steps")
    args = parser.parse_args()
    net, vocabulary, step = load_run(args.run)
    given = {name: getattr(args, name) for name in ("sampler", "steps", "samples", "temperature", "variance")}
    sampling = sampling_of(net.config, args.faithful, **given)
    model = MODEL_IDS[net.config.family]
    path = export(net, vocabulary, sampling, captioned(load_rows(args.data), "val"), RESOURCES / "weights" / f"{model}.safetensors")
    register(model, path)
    parameters = sum(p.numel() for p in net.parameters())
    print(json.dumps({"file": str(path), "mb": round(path.stat().st_size / 1e6, 2), "parameters": parameters, "step": step}))


def sampling_of(config: DiffusionConfig, faithful: bool | None = None, **given: Any) -> Sampling:
    """Default sampling of a checkpoint: as published where ``faithful``, by default of the published configurations, whatever their encoder.

    ``given`` : members of ``Sampling`` in place of these; None: not given.
    """
    if faithful is None:
        published = PRESETS[MODEL_IDS[config.family]]
        faithful = replace(config, encoder=published.encoder) == published
    default = (FAITHFUL if faithful else SAMPLINGS)[config.family]
    return replace(default, **{name: value for name, value in given.items() if value is not None})


def load_run(run: Path) -> tuple[DiffusionNet, Vocabulary, int]:
    """The averaged network of the best validation, its vocabulary and its step.

    Raises
    ------
    InputError
        No such run, or none with a validation.
    """
    settings, best = read_best(run, "training.diffusion.train")
    vocabulary = Vocabulary(settings["vocabulary"])
    net = DiffusionNet(DiffusionConfig(**settings["config"]), len(vocabulary))
    net.load_state_dict(best["state"])
    return net, vocabulary, best["record"]["step"]


def export(net: DiffusionNet, vocabulary: Vocabulary, sampling: Sampling, val_rows: Sequence[PairRow], path: Path) -> Path:
    """Write the packed weights; a change flag is calibrated on ``val_rows`` as it will be read."""
    packed = pack(net.state_dict())
    net.load_state_dict(unpack(packed))
    name = "KD-RSCC" if net.config.family == "karras" else "Diffusion-RSCC"
    card = ModelCard(path.stem, f"{path.stem}: compact {name}", gsd_m=0.5, threshold=0.5, memory_mb=1200, stochastic=True)
    captioner = DiffusionCaptioner(net, vocabulary, card, UNCALIBRATED, sampling, torch.device("cpu"))
    if net.flag is not None:
        captioner.calibration = calibrated(captioner, val_rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(packed, path, metadata=captioner.save_metadata())
    return path


def calibrated(captioner: DiffusionCaptioner, rows: Sequence[PairRow], batch_size: int = 16) -> dict[str, float]:
    """Temperature and bias of the change score, as ``export.calibrate`` fits them."""
    flag = captioner.net.flag
    assert flag is not None
    logits = []
    with torch.inference_mode():
        for start in range(0, len(rows), batch_size):
            tokens = captioner.encode(*(torch.from_numpy(images) for images in read_batch(rows[start : start + batch_size]))).state
            logits.append(flag(tokens.float()))
    found = calibrate(torch.cat(logits), torch.zeros(len(rows), 3, 7), rows)
    return {name: found[name] for name in UNCALIBRATED}


if __name__ == "__main__":
    main()
