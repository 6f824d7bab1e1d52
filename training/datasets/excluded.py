"""Training pairs that are never trained on: each shows the same ground as an evaluation pair, found by ``duplicates.near_duplicates``.

LEVIR-CD's train_2 and test_9 overlap by a row of tiles; xBD's frames recur under other numbers; one pair of CLCD only looks like a test pair (other
continents) and is left out all the same. Ids without suffix, so that they hold for the PNG files of LEVIR-CC's own download too.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

# training pair: its twin in val or test
EXCLUDED = {
    "levir_cc/train_000017": "levir_cc/test_000141",
    "levir_cc/train_000018": "levir_cc/test_000142",
    "levir_cc/train_000019": "levir_cc/test_000143",
    "levir_cc/train_000020": "levir_cc/test_000144",
    "world/clc_00134_0_1": "levir_cc/test_000682",
    "pairs/xbd_10_06": "pairs/xbd_19_00",
    "pairs/xbd_13_00": "pairs/xbd_03_00",
    "pairs/xbd_14_03": "pairs/xbd_00_02",
    "pairs/xbd_16_07": "pairs/xbd_03_01",
    "pairs/xbd_20_04": "pairs/xbd_03_05",
    "pairs/xbd_23_00": "pairs/xbd_15_04",
}


@dataclass(frozen=True)
class SplitOptions:
    """How strictly training and evaluation pairs are held apart.

    allow_overlap : near-duplicates and places in two splits are reported and training goes on. exclude : leave out the pairs of ``EXCLUDED``.
    With both switched a data set's published split is trained on exactly.
    """

    allow_overlap: bool = False
    exclude: bool = True

    @classmethod
    def of(cls, args: argparse.Namespace) -> SplitOptions:
        """Of arguments that ``add_options`` declared."""
        return cls(args.allow_overlap, args.exclude)

    @staticmethod
    def add_options(parser: argparse.ArgumentParser) -> None:
        text = "report training pairs that show the ground of held-out pairs, and go on (default: stop)"
        parser.add_argument("--allow-overlap", action="store_true", help=text)
        text = "train on the pairs of training/datasets/excluded.py too, so that the published split is used exactly"
        parser.add_argument("--no-exclude", action="store_false", dest="exclude", help=text)


STRICT = SplitOptions()
