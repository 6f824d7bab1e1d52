"""What an export of a training run has in common, whatever the architecture: precision of the weights, metadata, card, row in models.json."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file
from torch import Tensor

from engine.contract.errors import InputError, OutputError
from engine.models.captioner import ModelCard
from engine.registry import RESOURCES, sha256_of
from engine.registry.installed import ARCHITECTURES
from engine.registry.weights import pack, unpack

from ..datasets import PairRow, captioned, load_rows
from ..datasets.rows import IMAGE_PX

PACKINGS: dict[str, Callable[[Mapping[str, Tensor]], dict[str, Tensor]]] = {
    "bytes": pack,
    "half": lambda state: {name: tensor.half().contiguous() for name, tensor in state.items()},
    "single": lambda state: {name: tensor.contiguous() for name, tensor in state.items()},
}
PACKING_TEXT = {"bytes": "one byte per weight of the large matrices, half precision for the rest", "half": "half precision", "single": "unquantised"}
LEVIR_M = 0.5  # ground size of a pixel of LEVIR-CC


@dataclass(frozen=True)
class Wanted:
    """What the user asks of an export. packing : one of ``PACKINGS``. options : of the architecture, as parsed from the command line."""

    id: str
    name: str
    run: Path
    data: Path
    packing: str
    gsd_m: float | None = None
    options: argparse.Namespace = field(default_factory=argparse.Namespace)

    def validation_rows(self) -> list[PairRow]:
        """The captioned validation pairs of the data set, on which the change score is calibrated.

        Raises
        ------
        InputError
            There are none.
        """
        rows = captioned(load_rows(self.data), "val")
        if not rows:
            raise InputError(f"no captioned validation pair in {self.data}", "the data set that the run was trained on", "name it with --data")
        return rows

    def card(self, rows: Sequence[PairRow], memory_mb: int, stochastic: bool = False) -> ModelCard:
        gsd_m = ground_resolution(rows) if self.gsd_m is None else self.gsd_m
        return ModelCard(self.id, self.name, gsd_m=gsd_m, threshold=0.5, memory_mb=memory_mb, stochastic=stochastic)


@dataclass(frozen=True)
class Built:
    """Weights ready to be written. state : packed. figures : of the run on its validation split. chosen : the step or epoch they are of."""

    architecture: str
    state: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    figures: Mapping[str, float]
    chosen: str
    parameters: int
    settings: Mapping[str, Any]


def packed(state: Mapping[str, Tensor], packing: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The tensors as they are written, and as they will be read."""
    found = PACKINGS[packing](state)
    return found, unpack(found)


def ground_resolution(rows: Sequence[PairRow]) -> float:
    """Ground size in metres of a pixel as the network sees it: the median of the pairs that say so, else LEVIR-CC's."""
    known = [row.gsd_m * row.stored_px / IMAGE_PX for row in rows if row.gsd_m is not None]
    return round(float(np.median(known)), 3) if known else LEVIR_M


def figures_of(scores: Mapping[str, Any]) -> dict[str, float]:
    """Validation scores without their prefix and without what only chooses the best epoch."""
    found = {name.removeprefix("val_"): value for name, value in scores.items() if name.startswith("val_") and name != "val_objective"}
    return {name: round(float(value), 4) for name, value in found.items() if np.isfinite(value)}


def write(built: Built, wanted: Wanted, path: Path) -> Path:
    """Write the weights to ``path`` and their card beside it, ``path`` with .md; the card's path.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    figures = {"data": str(wanted.data), "split": "val"} | dict(built.figures)
    own = {"architecture": built.architecture, "figures": json.dumps(figures, ensure_ascii=False)}
    card = path.with_suffix(".md")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(dict(built.state), path, metadata=dict(built.metadata) | own)
        card.write_text(card_text(built, wanted, path), "utf-8")
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error})", "a writable folder", "choose another -o") from error
    return card


def card_text(built: Built, wanted: Wanted, path: Path) -> str:
    """The card of a trained model, in Markdown: what it is, what it was trained on, what was measured and what was not."""
    settings = built.settings
    options = settings.get("train") or settings.get("stages") or {}
    lines = [
        f"# {wanted.id}",
        "",
        f"{wanted.name}. Architecture `{built.architecture}`, {built.parameters:,} parameters, {path.stat().st_size / 1e6:.2f} MB"
        f" ({PACKING_TEXT[wanted.packing]}).",
        "",
        f"**Trained on** {settings.get('pairs', 'an unknown number of')} pairs of `{settings.get('data', 'unknown data')}`; {built.chosen}, the best",
        "on the validation split.",
        "",
        f"**Measured** on the validation split of `{wanted.data}`, during the training. This split chose the weights, so the figures flatter:",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name.replace('_', ' ')} | {value:g} |" for name, value in built.figures.items()),
        "",
        "**Not measured**: the test split. Measure it with",
        "",
        f"    changescribe evaluate --data {wanted.data} --split test --model {wanted.id}",
        "",
        "**Licence**: that of the data and of the weights that the training started from.",
        "",
        f"**Configuration**: `{json.dumps(settings.get('config', {}))}`",
        "",
        f"**Training options**: `{json.dumps(options)}`",
    ]
    return "\n".join(lines) + "\n"


def register(model_id: str, path: Path, built: Built | None = None, wanted: Wanted | None = None, resources: Path = RESOURCES) -> None:
    """Put the file's sha256 and size into the row of a model of the project; with ``built`` and ``wanted`` a missing row is made.

    Raises
    ------
    InputError
        It has no row, and none can be made.
    """
    file = resources / "models.json"
    listed = json.loads(file.read_text("utf-8"))
    entry = next((row for row in listed["models"] if row["id"] == model_id), None)
    if entry is None:
        if built is None or wanted is None:
            raise InputError(f"no row {model_id} in {file}", "a row for every bundled model", "add one")
        entry = new_row(built, wanted)
        listed["models"].append(entry)
    entry["sha256"], entry["bytes"] = f"sha256:{sha256_of(path)}", path.stat().st_size
    file.write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n", "utf-8")


def new_row(built: Built, wanted: Wanted) -> dict[str, Any]:
    """The row of a model of the project that had none; the plugin's zip leaves its weights out until somebody decides otherwise."""
    described = ARCHITECTURES[built.architecture]
    card = json.loads(built.metadata["card"])
    return {
        "id": wanted.id,
        "name": wanted.name,
        **described,
        "file": f"{wanted.id}.safetensors",
        "bundled": False,
        "licence": f"research and evaluation (see resources/cards/{wanted.id}.md)",
        "paper": "",
        "trained_on": str(built.settings.get("data", "")),
        "gsd_m": card["gsd_m"],
        "metrics": {"data": f"{wanted.data}, split val"} | dict(built.figures),
    }
