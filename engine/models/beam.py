"""Greedy and beam decoding of autoregressive captioners, batched, with cached keys and values."""

from __future__ import annotations

from typing import NamedTuple, Union

import torch
from torch import Tensor
from torch.nn import functional as F

from .layers import Cache, CaptionDecoder
from .prefix import PrefixDecoder

Decoder = Union[CaptionDecoder, PrefixDecoder]

# Length normalisation of Wu et al. 2016 (arXiv 1609.08144), eq 14.
LENGTH_PENALTY = 1.2


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
        score = (self.total / self.lengths.clamp(min=1)).gather(1, chosen).exp().flatten().tolist()
        return [(_until(row, end), value) for row, value in zip(ids, score)]

    def rows(self, index: Tensor) -> Beams:
        return Beams(*(tensor[index] for tensor in self))


def decode(
    decoder: Decoder, memory: Tensor, start: int, end: int, beams: int = 1, max_length: int = 40, banned: tuple[int, ...] = ()
) -> list[tuple[list[int], float]]:
    """Token ids and mean token probability of the best caption of each row.

    Parameters
    ----------
    memory : (N, M, width)
    beams : 1 is greedy.
    banned : ids never written (padding, unknown, start).

    Returns
    -------
    N × (ids without start and end, score in 0..1: exp of the mean log-probability)
    """
    steps = min(max_length, decoder.max_length - 1)
    each = torch.arange(beams, device=memory.device)
    cross = decoder.project_memory(memory)
    if not decoder.shares_memory:
        cross = [(key.repeat_interleave(beams, dim=0), value.repeat_interleave(beams, dim=0)) for key, value in cross]
    state = Beams.of(len(memory), beams, start, memory.device)
    found: list[tuple[list[int], float]] = [([], 0.0)] * len(memory)
    places = list(range(len(memory)))  # in ``found``, of the rows that are still written
    past: Cache = []
    for step in range(1, steps + 1):
        words = state.ids.flatten(0, 1)
        logits, past = decoder(words[:, -1:], cross, past)
        state, origin = state.extended(_next_log_probabilities(logits[:, -1], words, banned, end), end)
        done = (state.decided(steps) | (step == steps)).tolist()
        if any(done):
            for place, result in zip(places, state.best(end)):
                found[place] = result
            # A finished row would cost as much as the others until the last of them ends.
            kept = [i for i, is_done in enumerate(done) if not is_done]
            if not kept:
                break
            index = torch.tensor(kept, device=memory.device)
            flat = (index[:, None] * beams + each).flatten()
            places, state, origin = [places[i] for i in kept], state.rows(index), origin[flat]
            cross = _rows(cross, index if decoder.shares_memory else flat)
        past = _rows(past, origin)
    return found


def _rows(cache: Cache, index: Tensor) -> Cache:
    return [(key[index], value[index]) for key, value in cache]


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
    return ((5.0 + lengths) / 6.0) ** LENGTH_PENALTY


def _until(ids: list[int], end: int) -> list[int]:
    return ids[: ids.index(end)] if end in ids else ids
