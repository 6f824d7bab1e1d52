"""Samples and losses of CCExpert: prompts with answers, the answers' tokens alone counted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.models.ccexpert.net import CCExpertNet

from ..diffusion.batches import Source

Item = tuple[int, tuple[int, ...]]  # a pair, and which of its captions
# Groups of pairs: LEVIR-CC's, and what stands for all sources without a weight of their own.
LEVIR, OTHERS = "lcc", "pairs"
UNCHANGED_ENDING = "-unchanged"


def source_weight(group: str, weights: Mapping[str, float]) -> float:
    """How often pairs of a group come: its own weight, else that of the others unless it is LEVIR-CC's, else 1."""
    source, ending = group.removesuffix(UNCHANGED_ENDING), UNCHANGED_ENDING if group.endswith(UNCHANGED_ENDING) else ""
    return weights.get(group, 1.0 if source == LEVIR else weights.get(OTHERS + ending, 1.0))


def epoch_items(
    captions: Sequence[int], sources: Sequence[str], mode: str, weights: Mapping[str, float], rng: np.random.Generator, packed: int = 5
) -> list[Item]:
    """The samples of an epoch in random order.

    Parameters
    ----------
    captions, sources : of each pair, how many captions it has (those without are left out) and where it comes from.
    mode : of ``CAPTION_MODES``. weights : how often pairs of a source come (``source_weight``); of 2.5 each comes twice and half of them again.
    packed : captions of a pair behind one prompt.
    """
    items: list[Item] = []
    for pair, (count, source) in enumerate(zip(captions, sources, strict=True)):
        weight = source_weight(source, weights)
        times = int(weight) + int(rng.random() < weight % 1)
        for _ in range(times if count else 0):
            if mode == "flatten":
                items += [(pair, (caption,)) for caption in range(count)]
            elif mode == "random":
                items.append((pair, (int(rng.integers(count)),)))
            else:
                items.append((pair, tuple(rng.permutation(count)[:packed].tolist())))
    return [items[i] for i in rng.permutation(len(items))]


@dataclass
class PackedBatch:
    """Prompts with their answers one behind the other, each of which sees the prompt and itself.

    ids (B, T): prompt, answers, padding. positions (B, T): an answer's go on from the prompt's end. mask (B, 1, T, T) bool: who sees whom.
    rows, places, targets (M,): the token that is to be foretold at a place of a row.
    """

    ids: Tensor
    positions: Tensor
    mask: Tensor
    rows: Tensor
    places: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> PackedBatch:
        return PackedBatch(*(getattr(self, field.name).to(device) for field in fields(self)))


def pack_answers(prompt: Sequence[int] | Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]]) -> PackedBatch:
    """One prompt for all, or one of each row; ``answers`` of each row, with their ends."""
    count = len(answers)
    prompts: list[list[int]] = [list(one) for one in prompt] if isinstance(prompt[0], Sequence) else [list(prompt)] * count  # type: ignore
    longest = max(len(own) + sum(map(len, row)) for own, row in zip(prompts, answers, strict=True))
    ids = torch.zeros(count, longest, dtype=torch.long)
    positions = torch.zeros(count, longest, dtype=torch.long)
    part = torch.full((count, longest), -1)  # 0 the prompt, 1… an answer, -1 padding
    wanted: list[tuple[int, int, int]] = []
    for row, (own_prompt, texts) in enumerate(zip(prompts, answers, strict=True)):
        at = start = len(own_prompt)
        ids[row, :start], positions[row, :start], part[row, :start] = torch.tensor(own_prompt), torch.arange(start), 0
        for number, text in enumerate(texts, 1):
            own = slice(at, at + len(text))
            ids[row, own], positions[row, own], part[row, own] = torch.tensor(text), torch.arange(start, start + len(text)), number
            # The prompt's last token foretells the first of every answer.
            wanted += [(row, start - 1 if i == 0 else at + i - 1, token) for i, token in enumerate(text)]
            at += len(text)
    ordered = torch.ones(longest, longest, dtype=torch.bool).tril()
    seen = (part[:, None, :] == part[:, :, None]) | (part[:, None, :] == 0)
    rows, places, targets = torch.tensor(wanted).unbind(1)
    return PackedBatch(ids, positions, (ordered & seen)[:, None], rows, places, targets)


def split(source: Source, answers: Sequence[Sequence[Sequence[int]]], count: int, by_token: bool) -> list[tuple[Source, Sequence, float]]:
    """A batch in at most ``count`` parts, each with its share of the whole: of the answers' tokens, or of the pairs.

    The parts' mean losses times their shares add up to the mean loss of the whole.
    """
    sizes = [sum(map(len, texts)) if by_token else 1 for texts in answers]
    length = math.ceil(len(answers) / count)
    parts = [slice(start, start + length) for start in range(0, len(answers), length)]
    return [
        ((source[0][part], source[1][part]) if isinstance(source, tuple) else source[part], answers[part], sum(sizes[part]) / sum(sizes))
        for part in parts
    ]


def packed_loss(net: CCExpertNet, batch: PackedBatch, levels_a: Tensor, levels_b: Tensor) -> Tensor:
    """Mean cross-entropy of the answers' tokens; the vocabulary's head runs on these alone.

    levels_a, levels_b : (B, levels, tokens, width), as ``CCExpertNet.levels`` gives them.
    """
    embedded = net.embed(batch.ids, net.visual(levels_a, levels_b))
    hidden = net.llm.model(inputs_embeds=embedded, attention_mask=batch.mask, position_ids=batch.positions, use_cache=False).last_hidden_state
    logits = net.llm.lm_head(hidden[batch.rows, batch.places])
    return F.cross_entropy(logits.float(), batch.targets)
