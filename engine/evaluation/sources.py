"""The change flag by source, and a calibration that is tried where it was not fitted: each source's score calibrated on all the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..contract.tiles import Caption
from . import metrics
from .pairs import Pair

NEWTON_STEPS = 40
RIDGE = 1e-3  # keeps a fit on separable scores finite
CLOSE = 1e-9
MOST_LOGIT = 12.0


def by_source(pairs: Sequence[Pair], captions: Sequence[Caption]) -> list[dict[str, Any]]:
    """Counts, flag scores (× 100), ECE, and ECE of the left-out source (0..1), one row a source; none where all are of one.

    ``false_alarms``: share of unchanged pairs called changed; None without any. ``ECE_left_out``: of scores whose temperature and bias were fitted
    on the other sources alone, each source and in it each kind of pair weighted alike; None where the others are of one kind.
    """
    labels = np.array([pair.source or "–" for pair in pairs])
    names = sorted(set(labels.tolist()))
    if len(names) < 2:
        return []
    truth = np.array([pair.changed for pair in pairs])
    found = np.array([caption.changed for caption in captions])
    scores = np.array([caption.change_score for caption in captions])
    rows = []
    for name in names:
        own = labels == name
        flag = metrics.flag_scores(found[own], truth[own])
        rows.append(
            {
                "name": name,
                "pairs": int(own.sum()),
                "changed": int(truth[own].sum()),
                "accuracy": flag["accuracy"],
                "recall": _percent(found[own & truth]),
                "false_alarms": _percent(found[own & ~truth]),
                "ECE": metrics.expected_calibration_error(scores[own], truth[own]),
                "ECE_left_out": _left_out(scores, truth, labels, own),
            }
        )
    return rows


def fit_platt(logits: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Slope and bias of logits (N,) by weighted logistic regression (Platt 1999), Newton's method."""
    x = np.stack((logits, np.ones_like(logits)), 1)
    solution = np.array([1.0, 0.0])
    prior, sign = solution.copy(), np.where(truth, 1.0, -1.0)

    def loss(point: np.ndarray) -> float:
        return float(weights @ np.logaddexp(0, -sign * (x @ point)) + 0.5 * RIDGE * ((point - prior) ** 2).sum())

    for _ in range(NEWTON_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ solution, -30, 30)))
        gradient = x.T @ (weights * (p - truth)) + RIDGE * (solution - prior)
        step = np.linalg.solve((x * (weights * p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(2), gradient)
        while loss(solution - step) > loss(solution) and np.abs(step).max() > CLOSE:
            step = step / 2
        solution = solution - step
    return float(solution[0]), float(solution[1])


def balanced_weights(truth: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Weights (N,), sum 1: changed and unchanged pairs alike, and within either kind each source as the square root of its pairs."""
    weights = np.zeros(len(truth))
    for kind in (True, False):
        for name in set(labels[truth == kind].tolist()):
            own = (labels == name) & (truth == kind)
            weights[own] = own.sum() ** -0.5
        if (truth == kind).any():
            weights[truth == kind] *= 0.5 / weights[truth == kind].sum()
    return weights


def to_logits(scores: np.ndarray) -> np.ndarray:
    """Logits of scores 0..1, within ±``MOST_LOGIT``."""
    inside = np.clip(scores.astype(float), 1 / (1 + np.exp(MOST_LOGIT)), 1 / (1 + np.exp(-MOST_LOGIT)))
    return np.log(inside / (1 - inside))


def _left_out(scores: np.ndarray, truth: np.ndarray, labels: np.ndarray, own: np.ndarray) -> float | None:
    if truth[~own].all() or not truth[~own].any():
        return None
    logits = to_logits(scores)
    slope, bias = fit_platt(logits[~own], truth[~own], balanced_weights(truth[~own], labels[~own]))
    calibrated = 1 / (1 + np.exp(-(slope * logits[own] + bias)))
    return metrics.expected_calibration_error(calibrated, truth[own])


def _percent(called: np.ndarray) -> float | None:
    return 100.0 * float(called.mean()) if len(called) else None
