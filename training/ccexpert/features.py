"""The frozen vision tower's tokens, computed once: what the small CCExpert is trained on.

    python -m training.ccexpert.features --versions 2

writes train.safetensors and val.safetensors with the tokens of both dates at the configured levels, of every captioned pair as it is and again
``versions - 1`` times augmented on the pixels as ``scribe-s`` is, with the captions that are true of it. About 300 kB a pair and version.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from engine.models.ccexpert.config import PRESETS
from engine.models.ccexpert.net import CCExpertNet
from engine.models.ccexpert.weights import build, load_base, verify_filled

from ..datasets import SplitOptions
from ..diffusion.features import Encode, write_splits
from .base import FOLDER as BASE

FOLDER = Path("runs/ccexpert-features")
PRESET = "ccexpert-small"


def both_levels(net: CCExpertNet) -> Encode:
    """Images of both dates → (N, 2, levels, tokens, width)."""

    def encode(before: Tensor, after: Tensor) -> Tensor:
        levels = net.levels(net.pixels(torch.cat((before, after))))
        return torch.stack(levels.chunk(2), dim=1)

    return encode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--base", type=Path, default=BASE, help="folder written by training.ccexpert.base")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--versions", type=int, default=2, help="of each training pair: 1 as it is, the others augmented")
    SplitOptions.add_options(parser)
    args = parser.parse_args()
    net = build(PRESETS[PRESET])
    verify_filled(net, load_base(net, args.base), args.base, ("vision",))
    write_splits(both_levels(net), PRESET, args.data, args.versions, args.out, SplitOptions.of(args))


if __name__ == "__main__":
    main()
