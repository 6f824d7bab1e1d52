"""Calibrate a trained CCExpert on the validation split and write it as the engine reads it.

    python -m training.ccexpert.export --run runs/ccexpert-small

writes of a run with adapters resources/weights/ccexpert.safetensors (difference module, projector and adapters, in bytes) and its sha256 and size
in resources/models.json; the file names the base that it needs. A run that trained the language model itself becomes a folder of all its weights,
called as the run and in it, for `changescribe models add FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.models.captioner import ModelCard
from engine.models.ccexpert.captioner import CCExpertCaptioner
from engine.models.ccexpert.config import CCExpertConfig
from engine.models.ccexpert.folder import CONFIG_FILE, OWN
from engine.models.ccexpert.prompt import TOKENIZER_FILE, ChatTokenizer
from engine.models.ccexpert.weights import load_net, save_trained, tokenizer_folder
from engine.registry import RESOURCES
from engine.registry.weights import pack

from ..datasets import PairRow, captioned, load_rows, read_batch
from ..diffusion.export import UNCALIBRATED
from ..scribe.export import calibrate, register
from ..shared.run_log import read_best
from .base import FOLDER as BASE
from .base import base_of

MODEL_ID = "ccexpert"
HEAD = "llm.lm_head.weight"  # the embeddings again, where these are tied


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/ccexpert-small"), help="folder of a run of training.ccexpert.train")
    parser.add_argument("--base", type=Path, default=BASE, help="that the run started from")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    args = parser.parse_args()
    config, state, record = load_run(args.run)
    if config.lora is None:
        folder = args.run / args.run.resolve().name
        export_whole(config, state, args.base, captioned(load_rows(args.data), "val"), folder)
        print(json.dumps({"folder": str(folder), "stage": record["stage"], "step": record["step"]}))
        return
    path = RESOURCES / "weights" / f"{MODEL_ID}.safetensors"
    export(config, state, args.base, captioned(load_rows(args.data), "val"), path)
    register(MODEL_ID, path)
    print(json.dumps({"file": str(path), "mb": round(path.stat().st_size / 1e6, 2), "stage": record["stage"], "step": record["step"]}))


def load_run(run: Path) -> tuple[CCExpertConfig, dict[str, Tensor], dict]:
    """Configuration, the best validation's trained weights, and its record.

    Raises
    ------
    InputError
        No such run, or none with a validation.
    """
    settings, best = read_best(run, "training.ccexpert.train")
    return CCExpertConfig.from_json(settings["config"]), best["state"], best["record"]


def export(config: CCExpertConfig, state: dict[str, Tensor], base: Path, val_rows: Sequence[PairRow], path: Path) -> None:
    """Write the packed weights; the change score is calibrated on ``val_rows`` as it will be read."""
    net = load_net(config, base, pack(state))
    card = ModelCard(MODEL_ID, "ccexpert: small CCExpert", gsd_m=0.5, threshold=0.5, memory_mb=2600)
    captioner = CCExpertCaptioner(net, ChatTokenizer.from_folder(tokenizer_folder(base), config), card, UNCALIBRATED, torch.device("cpu"))
    found = calibrate(change_logits(captioner, val_rows), torch.zeros(len(val_rows), 3, 7), val_rows)
    save_trained(path, state, config, base_of(base), card.to_json(), {name: found[name] for name in UNCALIBRATED})


def export_whole(config: CCExpertConfig, state: dict[str, Tensor], base: Path, val_rows: Sequence[PairRow], folder: Path) -> None:
    """Write all weights in half precision, configuration, calibration and ``base``'s tokenizer; the change score is calibrated as it will be read."""
    folder.mkdir(parents=True, exist_ok=True)
    tied = {HEAD} if config.text.get("tie_word_embeddings") else set()
    weights = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in state.items() if name not in tied}
    save_file(weights, folder / "model.safetensors")
    shutil.copyfile(tokenizer_folder(base) / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    net, chat = load_net(config, folder, {}, device), ChatTokenizer.from_folder(folder, config)
    captioner = CCExpertCaptioner(net, chat, ModelCard(MODEL_ID, folder.name), UNCALIBRATED, torch.device(device))
    found = calibrate(change_logits(captioner, val_rows), torch.zeros(len(val_rows), 3, 7), val_rows)
    own = {"config": config.to_json(), "calibration": {name: found[name] for name in UNCALIBRATED}}
    (folder / CONFIG_FILE).write_text(json.dumps({OWN: own}, indent=1), "utf-8")


@torch.inference_mode()
def change_logits(captioner: CCExpertCaptioner, rows: Sequence[PairRow], batch_size: int = 16) -> Tensor:
    """(N,) logits of the uncalibrated change scores."""
    scores = []
    for start in range(0, len(rows), batch_size):
        encoded = captioner.encode(*(torch.from_numpy(images).to(captioner.device) for images in read_batch(rows[start : start + batch_size])))
        scores.append(torch.from_numpy(encoded.change_score))
        print(json.dumps({"calibrated_on": start + len(scores[-1]), "of": len(rows)}), flush=True)
    return torch.logit(torch.cat(scores).double(), eps=1e-9).float()


if __name__ == "__main__":
    main()
