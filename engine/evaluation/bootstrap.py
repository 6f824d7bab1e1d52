"""Bootstrap over pairs: 95 % percentile intervals, and the paired comparison of two models (Koehn 2004)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

SEED = 0
PERCENTILES = (2.5, 97.5)


def resamples(pairs: int, count: int) -> np.ndarray:
    """(count, pairs) float: how often each pair was drawn in each of ``count`` draws of ``pairs`` with replacement; always the same draws."""
    return np.random.default_rng(SEED).multinomial(pairs, np.full(pairs, 1 / pairs), size=count).astype(float)


def intervals(replicates: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    """[low, high] of each statistic; resamples in which it is undefined (no changed pair) do not count."""
    return {name: _interval(values) for name, values in replicates.items()}


def differences(
    ours: Mapping[str, float], theirs: Mapping[str, float], our_replicates: Mapping[str, np.ndarray], their_replicates: Mapping[str, np.ndarray]
) -> dict[str, dict]:
    """Ours minus theirs by statistic: ``value``, ``interval`` and two-sided ``p`` (0..1).

    Both replicates come from the same resamples, so that what is hard for both models cancels. p is twice the share of resamples (one added to
    count and total) in which the difference has the other sign or is zero.
    """
    found = {}
    for name, value in ours.items():
        gaps = our_replicates[name] - their_replicates[name]
        gaps = gaps[~np.isnan(gaps)]
        tail = min((gaps <= 0).sum(), (gaps >= 0).sum())
        p = min(1.0, 2 * (tail + 1) / (len(gaps) + 1))
        found[name] = {"value": value - theirs[name], "interval": _interval(gaps), "p": float(p)}
    return found


def _interval(values: np.ndarray) -> list[float]:
    low, high = np.nanpercentile(values, PERCENTILES)
    return [float(low), float(high)]
