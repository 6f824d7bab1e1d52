"""Choose thresholds of a trained mask on the validation split and write the weights that are bundled.

    python -m training.masks.export --run runs/mask --data ../shared/data

Writes resources/weights/scribe-s-mask.safetensors (bytes and half precision) and the member ``objects`` of the rows in resources/models.json that
draw with it. Half of a percentage is then where a kind is drawn: the thresholds are folded into the last layer.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.contract.errors import InputError
from engine.contract.objects import OBJECT_KINDS
from engine.models.mask import Kinds, MaskConfig, MaskDecoder, mask_metadata
from engine.models.scribe import read_checkpoint
from engine.registry import RESOURCES, sha256_of
from engine.registry.weights import pack, unpack

from ..datasets import load_rows
from .evaluate import best_threshold, pair_probabilities
from .norms import folded
from .samples import BUILDING_ADDED, BUILDING_REMOVED

FILE = "scribe-s-mask.safetensors"
MODELS = ("scribe-s", "scribe-s-quick")  # rows of models.json that draw with it


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("runs/mask"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--init", type=Path, default=RESOURCES / "weights" / "scribe-s.safetensors", help="whose encoder the mask is read from")
    parser.add_argument("--kinds", nargs="+", default=["building added", "building removed"], help="kinds of change to draw")
    parser.add_argument("--out", type=Path, default=RESOURCES / "weights" / FILE)
    args = parser.parse_args(argv)
    kinds = kinds_of(args.kinds)
    encoder = read_checkpoint(str(args.init))[0].encoder
    settings = json.loads((args.run / "settings.json").read_text("utf-8"))["config"]
    sizes: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    whole = MaskConfig(**sizes)
    state = folded(torch.load(args.run / "last.pt", map_location="cpu", weights_only=True)["ema"])
    config, state = only(whole, state, kinds)
    decoder = MaskDecoder(config)
    decoder.load_state_dict(unpack(pack(state)))  # as it will be read
    rows = [row for row in load_rows(args.data) if row.split == "val" and row.source == "lcc" and row.mask is not None]
    threshold, f1 = best_threshold(*pair_probabilities(decoder, encoder, kinds, rows))
    buildings = [i for i, (name, _) in enumerate(kinds) if name == "building"]
    state["head.bias"][buildings] -= math.log(threshold / (1 - threshold))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(pack(state), args.out, metadata=mask_metadata(config, kinds, encoder))
    if args.out == RESOURCES / "weights" / FILE:
        register(args.out, kinds)
    print(json.dumps({"file": str(args.out), "bytes": args.out.stat().st_size, "threshold": threshold, "val_f1": round(f1, 4)}))


def kinds_of(names: Sequence[str]) -> Kinds:
    """Kinds by name, "building added".

    Raises
    ------
    InputError
        A name that is none, no building.
    """
    kinds = tuple(kind for kind in OBJECT_KINDS if " ".join(kind) in names)
    if len(kinds) != len(names) or not {OBJECT_KINDS[BUILDING_ADDED], OBJECT_KINDS[BUILDING_REMOVED]} <= set(kinds):
        raise InputError(f"kinds {', '.join(names)}", "both of buildings, and others of engine.contract.objects", "correct --kinds")
    return kinds


def only(config: MaskConfig, state: dict[str, Tensor], kinds: Kinds) -> tuple[MaskConfig, dict[str, Tensor]]:
    """Configuration and state of the same decoder with the logits of ``kinds`` alone."""
    chosen = [OBJECT_KINDS.index(kind) for kind in kinds]
    head = {name: state[name][chosen] for name in ("head.weight", "head.bias")}
    return MaskConfig(config.channels, len(kinds), config.widths, config.blocks, config.kernels), state | head


def register(path: Path, kinds: Kinds) -> None:
    """Put the file into the rows of the models that draw with it."""
    file = RESOURCES / "models.json"
    registry = json.loads(file.read_text("utf-8"))
    for row in registry["models"]:
        if row["id"] in MODELS:
            row["objects"] = {"file": path.name, "kinds": kinds, "sha256": f"sha256:{sha256_of(path)}", "bytes": path.stat().st_size}
    file.write_text(json.dumps(registry, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
