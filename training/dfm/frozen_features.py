"""Features of frozen encoders, computed once: what the ablations of DFM train on, where training an encoder would take too long.

    python -m training.dfm.frozen_features --encoder dinov2

writes train.safetensors and val.safetensors with the image encoder's summary and grid of both dates and the change detector's tokens P,
half precision (about 110 kB a pair).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from engine.contract.errors import InputError
from engine.models.device import cpu_has_bf16
from engine.models.dfm import ChangeDetector
from engine.models.dfm.joint import PRIOR_SIDE
from engine.models.vit import ENCODERS, Encoder, Features, build_encoder
from engine.registry import weights_path

from ..datasets import PairRow, captioned, load_rows, read_batch, training_rows
from .weights import encoder_weights, read_detector

FOLDER = Path("runs/frozen")
SIDE = 8  # of the grids that are kept


@dataclass
class FrozenSplit:
    """The pairs ``rows`` with their features, all float16.

    encoder : one of ``vit.ENCODERS``.
    cls : (N, 2, width), before and after. grid : (N, 2, SIDE · SIDE, width). prior : (N, SIDE · SIDE, prior_width).
    """

    rows: list[PairRow]
    encoder: str
    cls: Tensor
    grid: Tensor
    prior: Tensor

    def dates(self, indexes: Sequence[int]) -> tuple[Features, Features]:
        cls, grid = self.cls[indexes].float(), self.grid[indexes].float()
        return Features(cls[:, 0], grid[:, 0]), Features(cls[:, 1], grid[:, 1])


def split_rows(data: Path, split: str) -> list[PairRow]:
    rows = load_rows(data)
    return [row for row in (training_rows(rows) if split == "train" else captioned(rows, split)) if row.captions]


@torch.inference_mode()
def extract(encoder: Encoder, detector: ChangeDetector, rows: Sequence[PairRow], batch_size: int = 16) -> dict[str, Tensor]:
    """cls, grid and prior of ``FrozenSplit``."""
    encoder.eval()
    found: dict[str, list[Tensor]] = {"cls": [], "grid": [], "prior": []}
    start_s = time.perf_counter()
    for start in range(0, len(rows), batch_size):
        before, after = (torch.from_numpy(images) for images in read_batch(rows[start : start + batch_size]))
        with torch.autocast("cpu", torch.bfloat16, enabled=cpu_has_bf16()):
            dates = [encoder(images) for images in (before, after)]
            found["prior"].append(_pooled(detector(before, after).tokens, PRIOR_SIDE).half())
        found["cls"].append(torch.stack([date.cls for date in dates], dim=1).half())
        found["grid"].append(torch.stack([_pooled(date.grid, encoder.side) for date in dates], dim=1).half())
        if start // batch_size % 20 == 0:
            print(json.dumps({"pairs": start + len(before), "of": len(rows), "elapsed_s": round(time.perf_counter() - start_s)}), flush=True)
    return {name: torch.cat(parts).contiguous() for name, parts in found.items()}


def _pooled(grid: Tensor, side: int) -> Tensor:
    """Tokens of the grid at SIDE × SIDE, (N, SIDE · SIDE, width)."""
    square = grid.float().transpose(1, 2).unflatten(2, (side, side))
    return F.adaptive_avg_pool2d(square, min(SIDE, side)).flatten(2).transpose(1, 2)


def read_split(folder: Path, data: Path, split: str) -> FrozenSplit:
    """The features written by ``main``, joined to the pairs by id.

    Raises
    ------
    InputError
        Not there; or made of other pairs than the data set now has.
    """
    path, do = folder / f"{split}.safetensors", "run python -m training.dfm.frozen_features again"
    try:
        with safe_open(path, "pt") as stream:
            metadata = stream.metadata() or {}
            ids, encoder = json.loads(metadata["ids"]), metadata["encoder"]
            tensors = {name: stream.get_tensor(name) for name in ("cls", "grid", "prior")}
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error!r})", "features of the frozen encoders", do) from error
    rows = {row.id: row for row in split_rows(data, split)}
    missing = [name for name in ids if name not in rows]
    if missing:
        raise InputError(f"{path} has {len(missing)} pairs that {data} has not, among them {missing[0]}", "features of these pairs", do)
    return FrozenSplit([rows[name] for name in ids], encoder, **tensors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--encoder", choices=ENCODERS, default="dinov2")
    parser.add_argument("--encoder-weights", type=Path, help="folder of CLIP's or DINOv2's weights")
    parser.add_argument("--detector", type=Path, help="scribe-s weights (default: the bundled ones)")
    args = parser.parse_args()
    sizes, state = encoder_weights(args.encoder, args.encoder_weights)
    encoder = build_encoder(args.encoder, sizes)
    encoder.model.load_state_dict(state)
    found = read_detector(args.detector or weights_path("scribe-s"))
    detector = ChangeDetector(found.config, "prior")
    detector.load_state_dict(found.state)
    args.out.mkdir(parents=True, exist_ok=True)
    for split in ("val", "train"):
        rows = split_rows(args.data, split)
        metadata = {"ids": json.dumps([row.id for row in rows]), "encoder": args.encoder}
        save_file(extract(encoder, detector, rows), args.out / f"{split}.safetensors", metadata=metadata)


if __name__ == "__main__":
    main()
