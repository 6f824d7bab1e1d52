"""Validation of CCExpert by its own greedy captions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from torch import Tensor

from engine.evaluation.metrics import score
from engine.models.ccexpert.net import CCExpertNet, pad_left
from engine.models.ccexpert.prompt import ChatTokenizer
from engine.words.text import NO_CHANGE, is_well_formed

from ..datasets import PairRow


def captions(net: CCExpertNet, chat: ChatTokenizer, levels: Iterable[Tensor]) -> list[str]:
    """A caption of each pair; ``levels`` in batches, (N, 2, levels, tokens, width)."""
    net.eval()
    texts: list[str] = []
    for batch in levels:
        ids, mask = pad_left([chat.prompt()] * len(batch), batch.device)
        found = net.generate(ids, mask, batch[:, 0], batch[:, 1], chat.end_ids)
        texts += [chat.decode(answer) for answer in found.ids]
    return texts


def scores(texts: Sequence[str], rows: Sequence[PairRow], no_change: Collection[str] = NO_CHANGE) -> dict[str, float]:
    """BLEU-4, ROUGE-L and CIDEr-D (× 100) of all pairs and of the changed ones alone; how often a no-change sentence is right where written.

    ``val_objective`` is CIDEr-D of all and of the changed pairs, / 200, and the flag's accuracy.
    """
    said = np.array([text not in no_change for text in texts])
    true = np.array([row.changed == 1 for row in rows])
    found = {"val_well_formed": float(np.mean([is_well_formed(text) for text in texts])), "val_flag_accuracy": float((said == true).mean())}
    for ending, chosen in (("", np.ones_like(true)), ("_changed", true)):
        pairs = [(text, row) for text, row, use in zip(texts, rows, chosen, strict=True) if use]
        references = {row.id: [" ".join(caption) for caption in row.captions] for _, row in pairs}
        measured = score({row.id: text for text, row in pairs}, references, meteor=False)
        found |= {f"val_{name}{ending}": measured[key] for name, key in (("bleu4", "BLEU-4"), ("rouge", "ROUGE-L"), ("cider", "CIDEr-D"))}
    found["val_objective"] = (found["val_cider"] + found["val_cider_changed"]) / 200 + found["val_flag_accuracy"]
    return {name: round(float(value), 4) for name, value in found.items()}
