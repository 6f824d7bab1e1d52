"""Greedy and beam decoding of autoregressive captioners, batched, with cached keys and values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Union

import torch
from torch import Tensor
from torch.nn import functional as F

from .blocks import in_blocks
from .layers import Cache, CaptionDecoder
from .prefix import PrefixDecoder

Decoder = Union[CaptionDecoder, PrefixDecoder]

# Length normalisation of Wu et al. 2016 (arXiv 1609.08144), eq 14.
LENGTH_PENALTY = 1.2
# Of up to 256 words. A table, because PyTorch rounds a power in the middle of a tensor otherwise than one at its end.
PENALTIES = torch.tensor([((5.0 + length) / 6.0) ** LENGTH_PENALTY for length in range(257)])


class Beams(NamedTuple):
    """What has been written of R rows with B beams each.

    ids : (R, B, length), the start first. total : (R, B) log-probability. finished : (R, B), whether the end is written.
    lengths : (R, B) words, the end among them.
    """

    ids: Tensor
    total: Tensor
    finished: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, rows: int, beams: int, start: int, device: torch.device) -> Beams:
        """Nothing but the start; all beams but the first are impossible, because they would write the same."""
        total = torch.full((rows, beams), float("-inf"), device=device)
        total[:, 0] = 0.0
        none = torch.zeros(rows, beams, device=device)
        return cls(torch.full((rows, beams, 1), start, dtype=torch.long, device=device), total, none.bool(), none)

    def extended(self, log_p: Tensor, end: int) -> tuple[Beams, Tensor]:
        """The best of all ways to go on by one word, and the beams (of all R · B) that they go on from; log_p: (R · B, vocabulary)."""
        rows, beams = self.total.shape
        log_p = log_p.view(rows, beams, -1)
        # A finished beam may only go on with end, at no cost.
        log_p = log_p.masked_fill(self.finished[..., None], float("-inf"))
        log_p[..., end] = log_p[..., end].masked_fill(self.finished, 0.0)
        candidates = self.total[..., None] + log_p
        # Ranking by normalised score, so that a short finished caption competes fairly with a longer one.
        lengths = self.lengths + (~self.finished).float()
        _, best = (candidates / _penalty(lengths)[..., None]).flatten(1).topk(beams, dim=1)
        origin, token = best // log_p.shape[-1], best % log_p.shape[-1]
        flat = (origin + torch.arange(rows, device=origin.device)[:, None] * beams).flatten()
        ids = torch.cat((self.ids.flatten(0, 1)[flat].view(rows, beams, -1), token[..., None]), dim=2)
        finished = self.finished.gather(1, origin) | (token == end)
        return Beams(ids, candidates.flatten(1).gather(1, best), finished, lengths.gather(1, origin)), flat

    def decided(self, steps: int) -> Tensor:
        """(R,): no beam can overtake the best finished one within ``steps`` words. A total only falls; at best the last penalty divides it."""
        lowest = torch.full_like(self.total, float("-inf"))
        best = torch.where(self.finished, self.total / _penalty(self.lengths), lowest).amax(1)
        hope = torch.where(self.finished, lowest, self.total / _penalty(torch.full_like(self.total, steps))).amax(1)
        return best >= hope

    def best(self, end: int) -> list[tuple[list[int], float]]:
        """Words and mean token probability of each row's best beam."""
        chosen = (self.total / _penalty(self.lengths)).argmax(1)[:, None]
        ids = self.ids.gather(1, chosen[..., None].expand(-1, -1, self.ids.shape[2]))[:, 0, 1:].tolist()
        mean = (self.total / self.lengths.clamp(min=1)).gather(1, chosen).flatten().tolist()
        return [(_until(row, end), math.exp(value)) for row, value in zip(ids, mean)]

    def rows(self, index: Tensor) -> Beams:
        return Beams(*(tensor[index] for tensor in self))


def decode(
    decoder: Decoder,
    memory: Tensor,
    start: int,
    end: int,
    beams: int = 1,
    max_length: int = 40,
    banned: tuple[int, ...] = (),
    block: int = 8,
) -> list[tuple[list[int], float]]:
    """Token ids and mean token probability of the best caption of each row.

    Parameters
    ----------
    memory : (N, M, width)
    beams : 1 is greedy.
    banned : ids never written (padding, unknown, start).
    block : rows of memory that are computed at once, always as many, see ``blocks``; the result does not depend on the N rows around it.

    Returns
    -------
    N × (ids without start and end, score in 0..1: exp of the mean log-probability)
    """
    steps = min(max_length, decoder.max_length - 1)
    layers = len(decoder.layers)

    def project(memory: Tensor) -> tuple[Tensor, ...]:
        cross = tuple(tensor for pair in decoder.project_memory(memory) for tensor in pair)
        return cross if decoder.shares_memory else tuple(x.repeat_interleave(beams, dim=0).unflatten(0, (-1, beams)) for x in cross)

    def write(*tensors: Tensor) -> tuple[Tensor, ...]:
        """One word more of every beam of a block: state and caches before it → whether it is decided, and both after it. Outside, caches are
        (rows, beams, …).
        """
        state, flat = Beams(*tensors[:4]), [x if decoder.shares_memory else x.flatten(0, 1) for x in tensors[4 : 4 + 2 * layers]]
        past = [x.flatten(0, 1) for x in tensors[4 + 2 * layers :]]
        words = state.ids.flatten(0, 1)
        logits, present = decoder(words[:, -1:], _paired(flat), _paired(past))
        state, origin = state.extended(_next_log_probabilities(logits[:, -1], words, banned, end), end)
        cache = (x[origin].unflatten(0, (-1, beams)) for pair in present for x in pair)
        return (state.decided(steps), *state, *cache)

    cross, past = in_blocks(project, block, memory), ()
    state = Beams.of(len(memory), beams, start, memory.device)
    found: list[tuple[list[int], float]] = [([], 0.0)] * len(memory)
    places = list(range(len(memory)))  # in ``found``, of the rows that are still written
    for step in range(1, steps + 1):
        decided, *after = in_blocks(write, block, *state, *cross, *past)
        state, past = Beams(*after[:4]), tuple(after[4:])
        done = (decided | (step == steps)).tolist()
        if any(done):
            for place, result, is_done in zip(places, state.best(end), done):
                if is_done:
                    found[place] = result
            # A finished row would cost as much as the others until the last of them ends.
            index = torch.tensor([i for i, is_done in enumerate(done) if not is_done], dtype=torch.long, device=memory.device)
            if not len(index):
                break
            places, state = [places[i] for i in index.tolist()], state.rows(index)
            cross, past = (tuple(x[index] for x in tensors) for tensors in (cross, past))
    return found


def _paired(tensors: Sequence[Tensor]) -> Cache:
    return list(zip(tensors[::2], tensors[1::2]))


def _next_log_probabilities(logits: Tensor, ids: Tensor, banned: tuple[int, ...], end: int) -> Tensor:
    """Log-probabilities of the next token; never a banned one, never the previous word again, never a word pair twice running."""
    log_p = F.log_softmax(logits.float(), dim=-1)
    log_p[:, list(banned)] = float("-inf")
    length = ids.shape[1]
    if length > 1:
        repeat = ids[:, -1:]
        log_p.scatter_(1, torch.where(repeat == end, torch.zeros_like(repeat), repeat), float("-inf"))
    if length > 3:
        stutter = ids[:, -3] == ids[:, -1]
        column = torch.where(stutter, ids[:, -2], torch.zeros_like(ids[:, -2]))
        log_p.scatter_(1, column[:, None], float("-inf"))
    return log_p


def _penalty(lengths: Tensor) -> Tensor:
    return PENALTIES.to(lengths.device)[lengths.long()]


def _until(ids: list[int], end: int) -> list[int]:
    return ids[: ids.index(end)] if end in ids else ids
