"""Weights of a trained CCExpert, calibrated on the validation split: ``changescribe export RUN``.

Of a run with adapters a file with difference module, projector and adapters, which names the base that it needs. A run that trained the language
model itself becomes a folder of all its weights, for ``changescribe models add FOLDER``.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.models.ccexpert.captioner import CCExpertCaptioner
from engine.models.ccexpert.config import CCExpertConfig
from engine.models.ccexpert.folder import CONFIG_FILE, OWN
from engine.models.ccexpert.prompt import TOKENIZER_FILE, ChatTokenizer
from engine.models.ccexpert.weights import load_net, tokenizer_folder, trained_metadata
from engine.registry.weights import pack
from engine.words.text import NO_CHANGE

from ..datasets import PairRow, read_batch
from ..diffusion.export import UNCALIBRATED
from ..scribe.export import calibrate
from ..shared.exported import Built, Wanted, card_text, figures_of, packed
from ..shared.run_log import read_best, read_settings
from .base import FOLDER as BASE
from .base import base_of

HEAD = "llm.lm_head.weight"  # the embeddings again, where these are tied


def add_options(parser: argparse._ArgumentGroup) -> None:
    parser.add_argument("--base", type=Path, default=BASE, help="base that the run started from")


def build(wanted: Wanted, target: Path) -> Built | Path:
    """What was trained beside the base, calibrated on the validation pairs; of a run that trained all weights the folder ``target`` with them."""
    config, state, record = load_run(wanted.run)
    rows, base = wanted.validation_rows(), wanted.options.base
    if config.lora is None:
        export_whole(config, state, base, rows, target, wanted)
        chosen, parameters = f"stage {record['stage']}, step {record['step']}", sum(tensor.numel() for tensor in state.values())
        built = Built("ccexpert", {}, {}, figures_of(record), chosen, parameters, read_settings(wanted.run))
        card = card_text(built, replace(wanted, packing="half"), target / "model.safetensors")
        (target / "README.md").write_text(card, "utf-8")
        return target
    written = pack(state) if wanted.packing == "bytes" else packed(state, wanted.packing)[0]
    net = load_net(config, base, written)
    chat = ChatTokenizer.from_folder(tokenizer_folder(base), config)
    settings = read_settings(wanted.run)
    no_change = settings.get("no_change") or sorted(NO_CHANGE)
    captioner = CCExpertCaptioner(net, chat, wanted.card(rows, 2600), UNCALIBRATED, torch.device("cpu"), no_change)
    found = calibrate(change_logits(captioner, rows), torch.zeros(len(rows), 3, 7), rows)
    calibration = {name: found[name] for name in UNCALIBRATED}
    metadata = trained_metadata(config, base_of(base), captioner.card.to_json(), calibration, no_change)
    parameters = sum(parameter.numel() for parameter in net.parameters())
    return Built("ccexpert", written, metadata, figures_of(record), f"stage {record['stage']}, step {record['step']}", parameters, settings)


def load_run(run: Path) -> tuple[CCExpertConfig, dict[str, Tensor], dict]:
    """Configuration, the best validation's trained weights, and its record.

    Raises
    ------
    InputError
        No such run, or none with a validation.
    """
    settings, best = read_best(run, "training.ccexpert.train")
    return CCExpertConfig.from_json(settings["config"]), best["state"], best["record"]


def export_whole(config: CCExpertConfig, state: dict[str, Tensor], base: Path, val_rows: Sequence[PairRow], folder: Path, wanted: Wanted) -> None:
    """Write all weights in half precision, configuration, calibration and ``base``'s tokenizer; the change score is calibrated as it will be read."""
    folder.mkdir(parents=True, exist_ok=True)
    tied = {HEAD} if config.text.get("tie_word_embeddings") else set()
    weights = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in state.items() if name not in tied}
    save_file(weights, folder / "model.safetensors")
    shutil.copyfile(tokenizer_folder(base) / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    net, chat = load_net(config, folder, {}, device), ChatTokenizer.from_folder(folder, config)
    no_change = read_settings(wanted.run).get("no_change") or sorted(NO_CHANGE)
    captioner = CCExpertCaptioner(net, chat, wanted.card(val_rows, 2600), UNCALIBRATED, torch.device(device), no_change)
    found = calibrate(change_logits(captioner, val_rows), torch.zeros(len(val_rows), 3, 7), val_rows)
    own = {"id": wanted.id, "no_change": no_change, "config": config.to_json(), "calibration": {name: found[name] for name in UNCALIBRATED}}
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
