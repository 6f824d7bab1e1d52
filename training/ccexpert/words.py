"""A stage before the published ones, ours: the images' tokens learn to say the captions' words in the language model's own embeddings.

Difference module and projector start from random weights, and the language model's loss teaches them slowly: every step runs the whole model both
ways. Here the tokens are held against the embeddings of the words directly, at a hundredth of the work, so that what the language model then reads
already lies near the words that it shall write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.models.ccexpert.net import CCExpertNet

SHARPNESS = 20.0  # of the cosines
LENGTH_WEIGHT = 0.1


class WordTargets:
    """The captions' words as distributions over frequent tokens.

    answers : token ids of every training caption, pair by pair. least : pairs that have to mention a token.
    """

    def __init__(self, answers: Sequence[Sequence[Sequence[int]]], least: int = 20):
        counts = Counter(token for texts in answers for token in {token for text in texts for token in text})
        known = sorted(token for token, count in counts.items() if count >= least)
        self.ids = torch.tensor(known)
        self.columns = {token: column for column, token in enumerate(known)}
        # Words of nearly every caption say little (inverse document frequency).
        self.weights = torch.log(len(answers) / torch.tensor([float(counts[token]) for token in known]))

    def of(self, texts: Sequence[Sequence[int]]) -> Tensor:
        """(words,), sums to 1; nothing of a pair without a known word."""
        found = torch.zeros(len(self.ids))
        for text in texts:
            for token in text:
                if token in self.columns:
                    found[self.columns[token]] += 1
        found *= self.weights
        return found / found.sum().clamp(min=1e-6)


def words_loss(net: CCExpertNet, levels_a: Tensor, levels_b: Tensor, words: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of ``targets`` (B, words) under each word's likeness to the tokens that say it best; tokens are kept as long as embeddings.

    words : ids. levels_a, levels_b : as ``CCExpertNet.levels`` gives them.
    """
    tokens = net.visual(levels_a, levels_b).flatten(1, 2).float()
    embedded = net.llm.get_input_embeddings().weight[words].detach().float()
    centre, length = embedded.mean(0), embedded.norm(dim=1).mean()
    likeness = F.normalize(tokens - centre, dim=-1) @ F.normalize(embedded - centre, dim=-1).T
    scores = torch.logsumexp(SHARPNESS * likeness, dim=1)
    return F.cross_entropy(scores, targets) + LENGTH_WEIGHT * (tokens.norm(dim=-1) / length - 1).square().mean()
