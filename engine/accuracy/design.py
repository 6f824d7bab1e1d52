"""Which tiles to judge: strata, sample size, allocation and the draw. Pure functions.

Sample size: Cochran 1977, eq. 5.25, as eq. 13 of Olofsson et al. 2014. Allocation: proportional to the strata's areas with a minimum for each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..contract.options import check
from ..contract.tiles import CLASSES
from ..report.layer import Layer

UNCHANGED, CHANGED, OTHER_CHANGE = "unchanged", "changed", "other change"
CHANGES = (("+", "added"), ("-", "removed"), ("~", "altered"))
SCHEMES = ("change", "class", "score")
SCORE_BANDS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
# Expected user's accuracy of unchanged and of changed strata, where the user names none.
EXPECTED_UNCHANGED, EXPECTED_CHANGED = 0.95, 0.75


@dataclass(frozen=True)
class SampleOptions:
    """How to draw a sample.

    Parameters
    ----------
    by : "change" (strata changed and unchanged), "class" (the first class of each changed tile) or "score" (bands of the change score)
    standard_error : wanted for the overall accuracy, 0..1
    expected_changed, expected_unchanged : user's accuracies that are expected of the strata, 0..1
    minimum : tiles per stratum at least
    size : tiles in all; None reckons it from the standard error
    seed : of the draw
    """

    by: str = "change"
    standard_error: float = 0.02
    expected_changed: float = EXPECTED_CHANGED
    expected_unchanged: float = EXPECTED_UNCHANGED
    minimum: int = 50
    size: int | None = None
    seed: int = 0

    def verify(self) -> None:
        """Raises InputError for the first member that is wrong."""
        check(self.by in SCHEMES, "by", self.by, " or ".join(SCHEMES))
        check(0 < self.standard_error <= 0.5, "standard_error", self.standard_error, "a standard error above 0 and up to 0.5, such as 0.02")
        for name in ("expected_changed", "expected_unchanged"):
            check(0 < getattr(self, name) < 1, name, getattr(self, name), "an accuracy between 0 and 1, such as 0.75")
        check(type(self.minimum) is int and self.minimum >= 2, "minimum", self.minimum, "2 or more tiles per stratum")
        check(self.size is None or (type(self.size) is int and self.size >= 2), "size", self.size, "2 or more tiles, or none")
        check(type(self.seed) is int and self.seed >= 0, "seed", self.seed, "a whole number from 0")


@dataclass(frozen=True)
class Candidate:
    """A unit that may be drawn: its place in the layer's cells, stratum, class on the map, and ground with data in both dates (m²)."""

    index: int
    stratum: str
    mapped: str
    area_m2: float


def class_names(by: str) -> tuple[str, ...]:
    """Classes that a unit can have on the map and in truth."""
    if by != "class":
        return (UNCHANGED, CHANGED)
    return (UNCHANGED, *(f"{name} {change}" for _, change in CHANGES for name in CLASSES), OTHER_CHANGE)


def candidates(layer: Layer, areas_m2: Sequence[float], by: str) -> list[Candidate]:
    """The compared tiles of a layer; what was skipped, failed or is disputed is not part of the map.

    Parameters
    ----------
    areas_m2 : ground of each of the layer's cells
    """
    found = []
    for index, (cell, area_m2) in enumerate(zip(layer.cells, areas_m2)):
        values = cell.properties
        if values["changed"] is None:
            continue
        shares = [1.0 if values.get(name) is None else float(values[name]) for name in ("valid_before", "valid_after")]
        mapped = (cell_class(cell.classes) if by == "class" else CHANGED) if cell.changed else UNCHANGED
        stratum = band(values["change_score"] or 0.0) if by == "score" else mapped
        found.append(Candidate(index, stratum, mapped, area_m2 * min(shares)))
    return found


def cell_class(classes: Sequence[str]) -> str:
    """The class of a changed tile whose signed classes ("+building", …) are given: the first in the order of ``class_names``."""
    names = {f"{name[1:]} {dict(CHANGES)[name[:1]]}" for name in classes}
    return next((name for name in class_names("class") if name in names), OTHER_CHANGE)


def band(score: float) -> str:
    """The band of a change score, such as "score 0.2 to 0.4"."""
    upper = next((bound for bound in SCORE_BANDS[1:-1] if score < bound), SCORE_BANDS[-1])
    return f"score {SCORE_BANDS[SCORE_BANDS.index(upper) - 1]:g} to {upper:g}"


def weights(units: Sequence[Candidate]) -> dict[str, float]:
    """Ground of each stratum, m², in the order of first appearance by name."""
    names = sorted({unit.stratum for unit in units})
    return {name: sum(unit.area_m2 for unit in units if unit.stratum == name) for name in names}


def sample_size(shares: Mapping[str, float], expected: Mapping[str, float], standard_error: float) -> int:
    """Units that a standard error needs: n = (Σ W_h √(U_h (1 − U_h)) / S(Ô))² of strata with expected user's accuracies U_h (Olofsson eq. 13)."""
    total = sum(shares.values())
    spread = sum(share / total * math.sqrt(expected[name] * (1 - expected[name])) for name, share in shares.items())
    return math.ceil((spread / standard_error) ** 2)


def allocation(size: int, shares: Mapping[str, float], counts: Mapping[str, int], minimum: int) -> dict[str, int]:
    """Units to draw per stratum: proportional to its area, at least ``minimum``, never more than it holds.

    Parameters
    ----------
    size : in all, as far as the minimum allows. counts : units that each stratum holds
    """
    total = sum(shares.values())
    return {name: min(counts[name], max(minimum, round(size * share / total))) for name, share in shares.items()}


def draw(units: Sequence[Candidate], wanted: Mapping[str, int], seed: int) -> list[Candidate]:
    """A simple random sample without replacement of each stratum, in random order: one who judges cannot tell the strata from it."""
    generator = np.random.default_rng(seed)
    chosen: list[Candidate] = []
    for name, count in sorted(wanted.items()):
        members = [unit for unit in units if unit.stratum == name]
        chosen += [members[place] for place in generator.choice(len(members), count, replace=False)]
    return [chosen[place] for place in generator.permutation(len(chosen))]
