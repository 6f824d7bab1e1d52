"""Per-pair statistics from which the caption scores of any weighting of the pairs follow, without scoring a sentence twice.

What they give for all pairs, each counted once, is pycocoevalcap's own value. For other weights (a resample, a group):

- BLEU: sums of clipped n-gram counts and lengths. METEOR: sums of the statistics that its jar gives for a segment.
- ROUGE-L and CIDEr-D: means of the pairs' scores. CIDEr's document frequencies stay those of the whole set that the statistics were taken of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from . import metrics

ORDERS = 4  # n-grams of BLEU
# METEOR 1.5, language "en", task "rank": the defaults with which pycocoevalcap starts the jar.
ALPHA, BETA, GAMMA, DELTA = 0.85, 0.20, 0.60, 0.75
STAGE_WEIGHTS = np.array([1.0, 0.6, 0.8, 0.6])  # exact, stem, synonym, paraphrase
LENGTHS, STAGES, CHUNKS = slice(0, 4), slice(4, 20), 20
TINY, SMALL = 1e-15, 1e-9  # pycocoevalcap's guards against division by zero


@dataclass(frozen=True)
class CaptionStatistics:
    """Statistics of N captions against their references; N ≥ 2 (with one pair pycocoevalcap takes BLEU's mean reference length).

    hypotheses : N plain captions. references : N tuples of plain sentences.
    bleu : (N, 10) n-grams clipped to the references (4), n-grams (4), length, length of the closest reference.
    meteor : (N, 23) of the jar, by "words" and "ids". rouge, cider : (N,), 0..1 and 0..10.
    """

    hypotheses: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]
    bleu: np.ndarray
    meteor: Mapping[str, np.ndarray]
    rouge: np.ndarray
    cider: np.ndarray

    @classmethod
    def of(cls, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> CaptionStatistics:
        """Statistics of raw captions, each beside its raw references.

        METEOR's ids are those of the words of all these sentences, so a part's METEOR on ids is not that of ids given to the part alone.

        Raises
        ------
        InputError
            pycocoevalcap or Java missing.
        """
        found = tuple(metrics.plain(text) for text in hypotheses)
        truth = tuple(tuple(metrics.plain(text) for text in texts) for texts in references)
        _, rouge, _ = metrics.scorers()
        meteor = {"words": _meteor(found, truth), "ids": _meteor(*metrics.as_ids(found, truth))}
        scores = [rouge().calc_score([text], list(texts)) for text, texts in zip(found, truth, strict=True)]
        return cls(found, truth, _bleu(found, truth), meteor, np.array(scores), _cider(found, truth))

    def part(self, index: np.ndarray) -> CaptionStatistics:
        """Statistics of some pairs as a set of their own: with its own document frequencies."""
        found, truth = tuple(self.hypotheses[i] for i in index), tuple(self.references[i] for i in index)
        meteor = {kind: values[index] for kind, values in self.meteor.items()}
        return CaptionStatistics(found, truth, self.bleu[index], meteor, self.rouge[index], _cider(found, truth))

    def scores(self, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """CAPTION_METRICS, "METEOR-ids" and "S*m-ids", × 100, each (R,).

        Parameters
        ----------
        weights : (R, N), how often each pair counts; None: each once (R = 1). A row of zeros gives NaN.
        """
        weights = np.ones((1, len(self.rouge))) if weights is None else weights
        with np.errstate(invalid="ignore", divide="ignore"):
            counted = weights.sum(1)
            values = {f"BLEU-{n}": value for n, value in enumerate(_bleu_of(weights @ self.bleu), start=1)}
            values["METEOR"] = _meteor_of(_summed(self.meteor["words"], weights))
            values["METEOR-ids"] = _meteor_of(_summed(self.meteor["ids"], weights))
            values["ROUGE-L"] = weights @ self.rouge / counted
            values["CIDEr-D"] = weights @ self.cider / counted
        for ending in ("", "-ids"):
            parts = (values["BLEU-4"], values["METEOR" + ending], values["ROUGE-L"], values["CIDEr-D"])
            values["S*m" + ending] = np.mean(parts, axis=0)
        return {name: np.where(counted > 0, 100.0 * value, np.nan) for name, value in values.items()}

    def pair_scores(self) -> np.ndarray:
        """(N,) mean of METEOR (words) and ROUGE-L of each caption, × 100: the parts of S*m that one pair alone has."""
        return 50.0 * (_meteor_of(_without_perfect_chunks(self.meteor["words"])) + self.rouge)


def _bleu(found: Sequence[str], truth: Sequence[Sequence[str]]) -> np.ndarray:
    from pycocoevalcap.bleu.bleu_scorer import cook_refs, cook_test

    rows = []
    for text, texts in zip(found, truth, strict=True):
        cooked = cook_test(text, cook_refs(texts, n=ORDERS), n=ORDERS)
        length = cooked["testlen"]
        closest = min(cooked["reflen"], key=lambda reference: (abs(reference - length), reference))
        rows.append([*cooked["correct"], *cooked["guess"], length, closest])
    return np.array(rows, float)


def _bleu_of(sums: np.ndarray) -> list[np.ndarray]:
    """BLEU-1..4 (Papineni et al. 2002) of (R, 10) summed counts, with pycocoevalcap's guards."""
    precisions = (sums[:, :ORDERS] + TINY) / (sums[:, ORDERS : 2 * ORDERS] + SMALL)
    ratio = (sums[:, -2] + TINY) / (sums[:, -1] + SMALL)
    brevity = np.where(ratio < 1, np.exp(1 - 1 / ratio), 1.0)
    products = np.cumprod(precisions, axis=1)
    return [products[:, n] ** (1 / (n + 1)) * brevity for n in range(ORDERS)]


def _cider(found: Sequence[str], truth: Sequence[Sequence[str]]) -> np.ndarray:
    _, _, cider = metrics.scorers()
    names = range(len(found))
    return cider().compute_score({i: list(truth[i]) for i in names}, {i: [found[i]] for i in names})[1]


def _meteor(found: Sequence[str], truth: Sequence[Sequence[str]]) -> np.ndarray:
    """(N, 23) of the jar; each different caption with its references is asked once."""
    answers: dict[tuple, list[float]] = {}
    with metrics.meteor_process() as meteor:
        for segment in zip(found, truth, strict=True):
            if segment not in answers:
                answers[segment] = [float(value) for value in (meteor._stat(*segment) or "nothing").split()]
    return np.array([answers[segment] for segment in zip(found, truth, strict=True)])


def _without_perfect_chunks(statistics: np.ndarray) -> np.ndarray:
    """A caption that equals a reference is one chunk, and no penalty: as in the jar, its chunk does not count."""
    stages = statistics[:, STAGES].reshape(-1, 4, 4)  # stage; content words of caption and reference, function words of both
    whole = (stages[:, :, [0, 2]].sum((1, 2)) == statistics[:, 0]) & (stages[:, :, [1, 3]].sum((1, 2)) == statistics[:, 1])
    statistics = statistics.copy()
    statistics[whole & (statistics[:, CHUNKS] == 1), CHUNKS] = 0
    return statistics


def _summed(statistics: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ _without_perfect_chunks(statistics)


def _meteor_of(sums: np.ndarray) -> np.ndarray:
    """METEOR 1.5 (Denkowski & Lavie 2014, eqs 1–5) of (R, 23) summed statistics."""
    length, reference_length, function, reference_function = sums[:, LENGTHS].T
    stages = sums[:, STAGES].reshape(-1, 4, 4)
    matched = DELTA * stages[:, :, 0:2] + (1 - DELTA) * stages[:, :, 2:4]
    hits = (STAGE_WEIGHTS[:, None] * matched).sum(1)
    weighted = [DELTA * (n - f) + (1 - DELTA) * f for n, f in ((length, function), (reference_length, reference_function))]
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = hits[:, 0] / weighted[0], hits[:, 1] / weighted[1]
        mean = 1 / ((1 - ALPHA) / precision + ALPHA / recall)
        fragmentation = sums[:, CHUNKS] / (sums[:, CHUNKS + 1 :].sum(1) / 2)
        score = mean * (1 - GAMMA * fragmentation**BETA)
    return np.where(hits.min(1) > 0, score, 0.0)
