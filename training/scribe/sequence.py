"""Second stage of ``scribe-s``: the decoder is trained on what it is judged by, the CIDEr-D of whole sentences that it samples.

Self-critical sequence training (Rennie et al. 2017, arXiv 1612.00563, eq 7), each sample's baseline being the mean reward of the pair's other samples
(Luo 2020, arXiv 2003.09971). Encoder, change branch and joint features stay as they are; only the decoder moves.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine.models.device import cpu_has_bf16
from engine.models.layers import Cache, CaptionDecoder
from engine.models.scribe import ScribeNet
from engine.words.text import END, PAD, START, UNKNOWN, Vocabulary

from ..shared.batches import AugmentOptions, PairStore, Sample, augmented, collate
from .losses import caption_loss
from .reward import CiderReward


@dataclass(frozen=True)
class SequenceOptions:
    """lr of the decoder; samples a pair; caption_weight: share of the word-by-word loss that stays, which keeps the sentences fluent."""

    epochs: int = 3
    batch_size: int = 32
    samples: int = 5
    lr: float = 8e-5
    caption_weight: float = 0.15
    seed: int = 1


def train_sequences(net: ScribeNet, vocabulary: Vocabulary, store: PairStore, options: SequenceOptions) -> list[dict[str, float]]:
    """Train ``net.decoder`` in place; returns mean reward (CIDEr-D, 0..10) and loss of each epoch."""
    reward = CiderReward([row.captions for row in store.rows if row.captions])
    changed = [i for i, row in enumerate(store.rows) if row.changed and row.captions]
    net.eval()
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    trained = list(net.decoder.parameters())
    for parameter in trained:
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(trained, lr=options.lr, weight_decay=0.0, betas=(0.9, 0.98))
    total, done, history = options.epochs * math.ceil(len(changed) / options.batch_size), 0, []
    for epoch in range(options.epochs):
        rng = np.random.default_rng((options.seed, epoch))
        generator = torch.Generator().manual_seed(options.seed * 1000 + epoch)
        rewards, losses = [], []
        order = rng.permutation(changed)
        for chosen in np.array_split(order, math.ceil(len(order) / options.batch_size)):
            for group in optimizer.param_groups:
                group["lr"] = options.lr * 0.5 * (1 + math.cos(math.pi * done / total))
            samples = [found for i in chosen if (found := augmented(store, int(i), AugmentOptions(same=0.0, swap=0.0), rng)).captions]
            mean, loss = _step(net, vocabulary, samples, reward, options, optimizer, generator, rng)
            done += 1
            rewards.append(mean)
            losses.append(loss)
        history.append({"sequence_epoch": epoch + 1, "reward": round(float(np.mean(rewards)), 4), "loss": round(float(np.mean(losses)), 4)})
        print(json.dumps(history[-1]), flush=True)
    return history


def _step(
    net: ScribeNet,
    vocabulary: Vocabulary,
    samples: list[Sample],
    reward: CiderReward,
    options: SequenceOptions,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    rng: np.random.Generator,
) -> tuple[float, float]:
    length = net.config.max_length
    written = [[(vocabulary.encode(s.captions[rng.integers(len(s.captions))], length), s.style)] for s in samples]
    batch = collate(samples, written, length, generator)
    with torch.autocast("cpu", torch.bfloat16, enabled=cpu_has_bf16()):
        with torch.no_grad():
            before, after = net.encode(batch.before, batch.after)
            memory = net.with_style(net.memory(before, after, net.prior(before, after)), batch.style)
            tokens = sample_captions(net.decoder, memory.repeat_interleave(options.samples, 0), vocabulary, generator)
        scores = _rewards(tokens, samples, vocabulary, reward, options.samples)
        baseline = (scores.sum(1, keepdim=True) - scores) / (options.samples - 1)
        advantage = (scores - baseline).flatten()
        projected = net.decoder.project_memory(memory)
        repeated = [(k.repeat_interleave(options.samples, 0), v.repeat_interleave(options.samples, 0)) for k, v in projected]
        logits, _ = net.decoder(tokens[:, :-1], repeated)
        policy = sequence_loss(logits, tokens, advantage, vocabulary.ids[PAD])
        written_logits, _ = net.decoder(batch.ids[:, :-1], projected)
        loss = policy + options.caption_weight * caption_loss(written_logits, batch.ids)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(net.decoder.parameters(), 1.0)
    optimizer.step()
    return float(scores.mean()), float(policy.detach())


def sequence_loss(logits: Tensor, tokens: Tensor, advantage: Tensor, pad: int) -> Tensor:
    """REINFORCE: minus advantage times the log-probability of the sampled words, mean over words.

    Parameters
    ----------
    logits : (N, L - 1, vocabulary). tokens : (N, L), start first, padded after the end. advantage : (N,), a constant.
    """
    chosen = logits.float().log_softmax(-1).gather(2, tokens[:, 1:, None]).squeeze(2)
    real = (tokens[:, 1:] != pad).float()
    return -(advantage[:, None].float() * chosen * real).sum() / real.sum()


@torch.no_grad()
def sample_captions(decoder: CaptionDecoder, memory: Tensor, vocabulary: Vocabulary, generator: torch.Generator) -> Tensor:
    """One caption a row, drawn from the decoder's distribution: ids (N, L), start first, padded after the end."""
    ids = vocabulary.ids
    tokens = torch.full((len(memory), 1), ids[START])
    ended = torch.zeros(len(memory), dtype=torch.bool)
    projected, past = decoder.project_memory(memory), None
    for _ in range(decoder.max_length - 1):
        logits, past = _next(decoder, tokens, projected, past)
        logits[:, [ids[PAD], ids[START], ids[UNKNOWN]]] = float("-inf")
        drawn = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
        tokens = torch.cat((tokens, torch.where(ended, ids[PAD], drawn)[:, None]), dim=1)
        ended |= drawn == ids[END]
        if bool(ended.all()):
            break
    return tokens


def _next(decoder: CaptionDecoder, tokens: Tensor, projected: Cache, past: Cache | None) -> tuple[Tensor, Cache]:
    logits, present = decoder(tokens[:, -1:], projected, past)
    return logits[:, -1].float(), present


def _rewards(tokens: Tensor, samples: Sequence[Sample], vocabulary: Vocabulary, reward: CiderReward, count: int) -> Tensor:
    """(pairs, count) CIDEr-D of the drawn captions."""
    texts = [tuple(vocabulary.decode(row).split()) for row in tokens.tolist()]
    return torch.from_numpy(np.stack([reward(texts[i * count : (i + 1) * count], s.captions) for i, s in enumerate(samples)])).float()
