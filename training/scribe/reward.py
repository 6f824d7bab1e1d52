"""CIDEr-D of single sentences, fast enough to be a reward in training (Vedantam et al. 2015, eqs 1-5; σ 6, n 1 to 4)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

Words = tuple[str, ...]
ORDERS, SIGMA = 4, 6.0


class CiderReward:
    """Scores sentences against references, with document frequencies of a fixed corpus: the references of each of its pairs are one document."""

    def __init__(self, corpus: Sequence[Sequence[Words]]):
        self.frequency: Counter = Counter()
        for references in corpus:
            self.frequency.update({gram for reference in references for gram in _grams(reference)})
        self.log_documents = math.log(len(corpus))

    def __call__(self, sentences: Sequence[Words], references: Sequence[Words]) -> np.ndarray:
        """CIDEr-D (0..10) of each sentence against all the references."""
        known = [self._vector(reference) for reference in references]
        return np.array([self._score(self._vector(sentence), known) for sentence in sentences])

    def _vector(self, words: Words) -> tuple[list[dict[Words, float]], list[float], int]:
        """tf-idf by order, its norms, and the length in bigrams, as pycocoevalcap measures it."""
        vector: list[dict[Words, float]] = [{} for _ in range(ORDERS)]
        for gram, count in _grams(words).items():
            vector[len(gram) - 1][gram] = count * (self.log_documents - math.log(max(1.0, self.frequency[gram])))
        return vector, [math.sqrt(sum(v * v for v in order.values())) for order in vector], max(0, len(words) - 1)

    def _score(self, hypothesis: tuple, known: Sequence[tuple]) -> float:
        vector, norms, length = hypothesis
        total = 0.0
        for other, other_norms, other_length in known:
            similarity = 0.0
            for order, reference, norm, other_norm in zip(vector, other, norms, other_norms):
                if norm and other_norm:
                    similarity += sum(min(v, reference[g]) * reference[g] for g, v in order.items() if g in reference) / (norm * other_norm)
            total += similarity * math.exp(-((length - other_length) ** 2) / (2 * SIGMA**2))
        return 10.0 * total / (ORDERS * len(known))


def _grams(words: Words) -> Counter:
    return Counter(words[i : i + n] for n in range(1, ORDERS + 1) for i in range(len(words) - n + 1))
