"""How often each pair is drawn: sources and their unchanged pairs balanced, so that few pairs from far away weigh against many from one city."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ..datasets import PairRow
from ..datasets.rows import WORLD

# Share of the draws of LEVIR-CC, of the other captioned sources, and of the world's.
GROUPS = {"levir": 0.3, "pairs": 0.28, "world": 0.42}
UNCHANGED = 0.38  # wanted share of a source's draws
MOST_OFTEN = 6.0  # an unchanged pair is drawn at most so much more often than a changed one
UNTOLD = 0.25  # draws of a pair without captions against one that has some


def draw_weights(rows: Sequence[PairRow]) -> np.ndarray:
    """Chance of each row, (N,), sum 1. Within a group a source has draws as the square root of its pairs."""
    by_source: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        by_source[_group(row), row.source].append(i)
    mass: dict[str, float] = defaultdict(float)
    for (group, _), members in by_source.items():
        mass[group] += len(members) ** 0.5
    weights = np.zeros(len(rows))
    for (group, _), members in by_source.items():
        own = _within([rows[i] for i in members])
        weights[members] = own / own.sum() * GROUPS[group] * len(members) ** 0.5 / mass[group]
    return weights / weights.sum()


def _group(row: PairRow) -> str:
    if row.source == "lcc":
        return "levir"
    return "world" if row.source in WORLD else "pairs"


def _within(rows: Sequence[PairRow]) -> np.ndarray:
    weights = np.array([1.0 if row.captions else UNTOLD for row in rows])
    unchanged = np.array([row.changed == 0 for row in rows])
    share = weights[unchanged].sum() / weights.sum()
    if 0 < share < UNCHANGED:
        weights[unchanged] *= min(MOST_OFTEN, UNCHANGED * (1 - share) / ((1 - UNCHANGED) * share))
    return weights
