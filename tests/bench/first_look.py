"""What the first look of scribe-s-quick passes over, against scribe-s's own flag; and how often scribe-s looks twice.

python -m tests.bench.first_look --data ../shared/data/levir_cc
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from engine import registry
from engine.contract.request import DEFAULT_MODEL
from engine.evaluation.pairs import read_image, read_pairs
from engine.models.quick import QuickScribeCaptioner
from engine.models.scribe import DOUBTFUL

SHARES = (1.0, 0.99, 0.98, 0.95)  # of the tiles that scribe-s finds changed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    args = parser.parse_args()
    scribe, quick = registry.load(DEFAULT_MODEL), registry.load("scribe-s-quick")
    assert isinstance(quick, QuickScribeCaptioner)
    found, looked_twice, logit = [], [], []
    with torch.inference_mode():
        for pair in read_pairs(args.data, args.split):
            before, after = (torch.from_numpy(read_image(path, 256)) for path in (pair.before, pair.after))
            looked_twice.append(bool((scribe._look(before, after)[2].flag.abs() < DOUBTFUL).item()))
            found.append(bool(scribe.encode(before, after).change_score[0] >= scribe.card.threshold))
            logit.append(float(quick._first_look(before, after).flag))
    flags, logits = np.array(found), np.array(logit)
    print(f"{len(flags)} pairs, {flags.sum()} changed as scribe-s sees it, {np.mean(looked_twice):.1%} looked at twice")
    for name, cut in [(f"kept {share:.0%}", np.quantile(logits[flags], 1 - share, method="lower")) for share in SHARES] + [("as shipped", quick.cut)]:
        passed = logits < cut
        print(f"{name}, cut {cut:.2f}: {passed[~flags].mean():.0%} of the unchanged passed over, and {passed[flags].sum()} changed")


if __name__ == "__main__":
    main()
