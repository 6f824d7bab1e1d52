"""Stratified estimators of accuracy and area.

Olofsson et al. 2014, Remote Sensing of Environment 148, 42–57, for strata that are the map's classes; Stehman 2014, International Journal of Remote
Sensing 35, 4923–4939, for strata that differ from them. Where units differ in area, each stratum's mean is a ratio estimator (Cochran 1977, §6.10);
with equal areas all three agree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Z = 1.96  # of a 95 % interval, to the digits that Olofsson et al. use
MIN_PER_STRATUM = 2  # below it a stratum has no variance


@dataclass(frozen=True)
class Estimate:
    """A proportion with its standard error; ``low`` and ``high`` bound the 95 % interval.

    half_width : 1.96 standard errors, as published tables give it. low, high : from Wilson's intervals; they stay within 0 and 1 and cover the true
    value for rare classes too, where ± 1.96 standard errors do not (``tests/engine/accuracy/test_estimators.py`` simulates it).
    """

    value: float
    standard_error: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        return Z * self.standard_error

    def times(self, size: float) -> Estimate:
        """The same as an amount: of an area, say."""
        return Estimate(self.value * size, self.standard_error * size, self.low * size, self.high * size)

    def complement(self) -> Estimate:
        """Of the share that is left."""
        return Estimate(1 - self.value, self.standard_error, 1 - self.high, 1 - self.low)


@dataclass(frozen=True)
class Unit:
    """One judged unit (tile or object) of the sample: its stratum, what the map says, what is true, and its area (any unit, > 0)."""

    stratum: str
    mapped: str
    reference: str
    area: float = 1.0


@dataclass(frozen=True)
class Accuracy:
    """What a judged sample says of a map.

    Attributes
    ----------
    classes : in order
    counts : (class mapped, class of reference) → units. proportions : the same as shares of the area
    overall : share of the area that is mapped right. users, producers, areas : by class; None where nothing was mapped or found of it
    areas : share of the area that is of the class (error-adjusted). mapped : share that the map gives it, among the sample's estimate
    notes : what limits the estimates, in plain English
    """

    classes: tuple[str, ...]
    counts: dict[tuple[str, str], int]
    proportions: dict[tuple[str, str], float]
    overall: Estimate
    users: dict[str, Estimate | None]
    producers: dict[str, Estimate | None]
    areas: dict[str, Estimate]
    notes: tuple[str, ...] = ()


class _Strata:
    """The sample by stratum, and means, ratios and their variances over it."""

    def __init__(self, units: Sequence[Unit], weights: Mapping[str, float]):
        total = sum(weights.values())
        self.parts: list[tuple[float, list[int], np.ndarray]] = []  # share of the area, places in ``units``, relative areas
        for stratum, weight in weights.items():
            places = [place for place, unit in enumerate(units) if unit.stratum == stratum]
            if places and weight > 0:
                areas = np.array([units[place].area for place in places], float)
                self.parts.append((weight / total, places, areas / areas.mean()))
        covered = sum(share for share, _, _ in self.parts)
        self.parts = [(share / covered, places, relative) for share, places, relative in self.parts]

    def mean(self, values: np.ndarray) -> float:
        """Σ W_h ȳ_h (Olofsson eq. 4; Stehman eq. 3)."""
        return sum(share * float((relative * values[places]).mean()) for share, places, relative in self.parts)

    def variance(self, values: np.ndarray) -> float:
        """Variance of ``mean``: Σ W_h² s²_h / n_h (Olofsson eqs. 5 and 10; Stehman eq. 25 without finite population correction)."""
        found = 0.0
        for share, places, relative in self.parts:
            part, count = values[places], len(places)
            if count >= MIN_PER_STRATUM:
                residuals = relative * (part - (relative * part).mean())
                found += share**2 * float((residuals**2).sum()) / (count - 1) / count
        return found

    def proportion(self, values: np.ndarray) -> Estimate:
        """Share of the area for which ``values`` (N,) is 1.

        The interval combines Wilson's of each stratum by the method of variance estimates recovery (Zou & Donner 2008, Statistics in Medicine 27,
        eq. 6).
        """
        value, below, above = self.mean(values), 0.0, 0.0
        for share, places, relative in self.parts:
            part = float((relative * values[places]).mean())
            low, high = wilson(part, len(places) / float((relative**2).mean()))  # Kish's effective size where areas differ
            below, above = below + (share * (part - low)) ** 2, above + (share * (high - part)) ** 2
        bounds = max(0.0, value - math.sqrt(below)), min(1.0, value + math.sqrt(above))
        return Estimate(value, math.sqrt(self.variance(values)), *bounds)

    def ratio(self, values: np.ndarray, among: np.ndarray) -> Estimate | None:
        """Ratio of two means, such as user's accuracy, with the variance of Stehman eq. 28; Olofsson's eqs. 6 and 7 where strata are classes."""
        whole = self.mean(among)
        if whole <= 0:
            return None
        value = self.mean(values) / whole
        # Values are centred stratum by stratum in ``variance``, as the equation's s_y, s_x and s_xy are.
        error = math.sqrt(self.variance(values - value * among)) / whole
        # A simple random sample of so many units would have this standard error.
        size = value * (1 - value) / error**2 if 0 < value < 1 and error > 0 else float(among.sum())
        return Estimate(value, error, *wilson(value, size))


def wilson(share: float, count: float) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) of a share among ``count`` units."""
    share = min(1.0, max(0.0, share))
    centre = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    reach = Z * math.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2)) / (1 + Z**2 / count)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def estimate(units: Sequence[Unit], weights: Mapping[str, float], classes: Sequence[str] | None = None) -> Accuracy:
    """Error matrix, accuracies and error-adjusted areas.

    Parameters
    ----------
    units : the judged sample
    weights : area (any unit) or number of units of each stratum in the whole map
    classes : in the order to report; default: those of the sample, in alphabetical order

    Raises
    ------
    ValueError
        No units, or units of a stratum that has no weight.
    """
    unknown = sorted({unit.stratum for unit in units} - {stratum for stratum, weight in weights.items() if weight > 0})
    if not units or unknown:
        raise ValueError(f"units of strata without a weight: {', '.join(unknown)}" if unknown else "no units")
    names = tuple(classes) if classes is not None else tuple(sorted({name for unit in units for name in (unit.mapped, unit.reference)}))
    strata = _Strata(units, weights)
    mapped = {name: np.array([unit.mapped == name for unit in units], float) for name in names}
    true = {name: np.array([unit.reference == name for unit in units], float) for name in names}
    right = np.array([unit.mapped == unit.reference for unit in units], float)
    pairs = [(row, column) for row in names for column in names]
    return Accuracy(
        classes=names,
        counts={(row, column): int((mapped[row] * true[column]).sum()) for row, column in pairs},
        proportions={(row, column): strata.mean(mapped[row] * true[column]) for row, column in pairs},
        overall=strata.proportion(right),
        users={name: strata.ratio(mapped[name] * true[name], mapped[name]) for name in names},
        producers={name: strata.ratio(mapped[name] * true[name], true[name]) for name in names},
        areas={name: strata.proportion(true[name]) for name in names},
        notes=tuple(_notes(units, weights, names, true)),
    )


def _notes(units: Sequence[Unit], weights: Mapping[str, float], names: Sequence[str], true: Mapping[str, np.ndarray]) -> list[str]:
    counts = {stratum: sum(unit.stratum == stratum for unit in units) for stratum, weight in weights.items() if weight > 0}
    found = []
    for stratum, count in counts.items():
        share = 100 * weights[stratum] / sum(weights.values())
        if count == 0:
            found.append(f"No unit of the stratum {stratum!r} ({share:.2g} % of the area) was judged: the figures leave it out.")
        elif count < MIN_PER_STRATUM:
            found.append(f"Only one unit of the stratum {stratum!r} ({share:.2g} % of the area) was judged: the intervals leave out its variance.")
    for name in names:
        if not true[name].any():
            found.append(f"No judged unit is truly {name!r}: its area cannot be told from 0, and its producer's accuracy is unknown.")
    return found


def cohens_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Agreement of two interpreters on the same units beyond chance (Cohen 1960, eq. 1); None where chance alone would agree on everything.

    Raises
    ------
    ValueError
        Different numbers of judgements, or none.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"{len(first)} and {len(second)} judgements")
    observed = sum(a == b for a, b in zip(first, second)) / len(first)
    chance = sum((first.count(name) / len(first)) * (second.count(name) / len(second)) for name in set(first) | set(second))
    return None if chance >= 1 else (observed - chance) / (1 - chance)
