"""Could a look at a quarter of the pixels pass over what has plainly not changed? How often is a tile looked at twice?

    python -m tests.bench.first_look --data ../shared/data/levir_cc

The change branch of scribe-s sees pairs at 128 px, and tiles below a cut of its logit would be passed over; against the model's own flag at 256 px.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from engine import registry
from engine.evaluation.pairs import read_image, read_pairs
from engine.models.scribe import DOUBTFUL
from engine.schema import DEFAULT_MODEL

CUTS = (-4.0, -3.5, -3.0, -2.5, -2.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    model = registry.load(DEFAULT_MODEL)
    changed, looked_twice, small = [], [], []
    with torch.inference_mode():
        for pair in read_pairs(args.data, "val"):
            before, after = (torch.from_numpy(read_image(path, 256)) for path in (pair.before, pair.after))
            looked_twice.append(bool((model.net.prior(*model.net.encode(before, after)).flag.abs() < DOUBTFUL).item()))
            changed.append(bool(model.encode(before, after).change_score[0] >= model.card.threshold))
            halves = (F.avg_pool2d(date.float(), 2).round().to(torch.uint8) for date in (before, after))
            small.append(float(model.net.prior(*model.net.encode(*halves)).flag))
    flags, logits = np.array(changed), np.array(small)
    print(f"{len(flags)} pairs, {flags.sum()} changed as the model sees it, {np.mean(looked_twice):.1%} looked at twice")
    for cut in CUTS:
        passed = logits < cut
        print(f"cut {cut}: {passed[~flags].mean():.0%} of the unchanged passed over, and {passed[flags].sum()} changed")


if __name__ == "__main__":
    main()
