"""The sample that is most like the others: minimum Bayes risk decoding (Kumar & Byrne 2004; of Diffusion-LM, Li et al. 2022, section 4.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

ORDERS = 4


def similarity(one: str, other: str) -> float:
    """Mean F1 of the n-grams (n = 1 to 4) of two sentences, 0..1; symmetric, and 1 where they are the same.

    Orders that neither sentence is long enough for do not count.
    """
    first, second = one.split(), other.split()
    scores = []
    for n in range(1, min(ORDERS, max(len(first), len(second))) + 1):
        grams, others = _grams(first, n), _grams(second, n)
        scores.append(2 * (grams & others).total() / (grams.total() + others.total()))
    return sum(scores) / len(scores) if scores else 1.0


def consensus(texts: Sequence[str]) -> tuple[int, float]:
    """Index of the text with the largest mean similarity to the others, the first of equals, and that mean (0..1); of a single text 0 and 1."""
    if len(texts) == 1:
        return 0, 1.0
    rows = [[similarity(one, other) for other in texts] for one in texts]
    agreement = [(sum(row) - 1.0) / (len(texts) - 1) for row in rows]
    best = max(range(len(texts)), key=agreement.__getitem__)
    return best, agreement[best]


def _grams(words: Sequence[str], n: int) -> Counter:
    return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
